/**
 * Nothing is restored here: these belong to packages, are made again at each boot, or are needed by the restore itself.
 */
export const neverRestored: readonly string[] = [
  '/bin',
  '/boot',
  '/efi',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/sbin',
  '/usr',
  '/dev',
  '/proc',
  '/run',
  '/sys',
  '/tmp',
  '/var/tmp',
];
