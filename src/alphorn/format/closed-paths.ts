/** Packages' own, what is made again at each start, and what a restore itself has to rely on: nothing is restored there. */
export const neverRestored: readonly string[] = [
  ...['/bin', '/boot', '/efi', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr'],
  ...['/dev', '/proc', '/run', '/sys', '/tmp', '/var/tmp'],
];
