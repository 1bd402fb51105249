/** A file that a host cannot be brought back without. */
export interface Essential {
  path: string;
  /** Whether every Debian has it, so that its absence is reported. */
  everywhere: boolean;
}

/**
 * The identity, users, cluster and keys of a host. Those that the rules include go in regardless of the caps. A
 * liferaft that lacks one of them is not whole.
 */
export const essentialFiles: readonly Essential[] = [
  ...['/etc/hostname', '/etc/hosts', '/etc/machine-id'].map(onEveryHost),
  ...['/etc/passwd', '/etc/group', '/etc/shadow'].map(onEveryHost),
  ...['/etc/hostid', '/etc/gshadow', '/etc/subuid', '/etc/subgid'].map(onSomeHosts),
  ...['ecdsa', 'ed25519', 'rsa']
    .flatMap((type) => [`/etc/ssh/ssh_host_${type}_key`, `/etc/ssh/ssh_host_${type}_key.pub`])
    .map(onSomeHosts),
  ...['/etc/corosync/corosync.conf', '/etc/corosync/authkey', '/etc/pacemaker/authkey'].map(
    onSomeHosts,
  ),
  ...['/var/lib/pacemaker/cib/cib.xml', '/var/lib/pacemaker/cib/cib.xml.sig'].map(onSomeHosts),
  ...['known-hosts', 'pcs_users.conf', 'pcsd.cookiesecret', 'pcsd.crt', 'pcsd.key']
    .map((name) => `/var/lib/pcsd/${name}`)
    .map(onSomeHosts),
  ...['/etc/alphorn/config.json', '/etc/alphorn/key', '/etc/ha-agent/config.json'].map(onSomeHosts),
  ...['passdb.tdb', 'secrets.tdb'].map((name) => `/var/lib/samba/private/${name}`).map(onSomeHosts),
];

/** No such file is larger, and no destination would accept one. */
export const maxEssentialBytes = 64 * 1024 ** 2;

function onEveryHost(path: string): Essential {
  return { path, everywhere: true };
}

function onSomeHosts(path: string): Essential {
  return { path, everywhere: false };
}
