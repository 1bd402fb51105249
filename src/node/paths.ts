/** The files of a node. */
export interface NodePaths {
  /** What this host decides about itself as a node, which joining writes. */
  config: string;
  /** The key, the certificate and the CA of the controller. */
  credentials: string;
  /** /var/lib/ha-node */
  state: string;
  /** The configuration of keepalived. */
  keepalived: string;
  /** The process id of keepalived's parent. */
  pidFile: string;
  /** Where keepalived's `/tmp/keepalived.json` appears on the host, see systemd/ha-keepalived.service. */
  dump: string;
  fifo: string;
  /** What the listener for VRRP has seen. */
  seen: string;
  /** The configuration of the host's own keepalived. It is never written. */
  hostKeepalived: string;
}

export const debianNodePaths: NodePaths = {
  config: '/etc/ha-agent/node.json',
  credentials: '/etc/ha-agent/node',
  state: '/var/lib/ha-node',
  keepalived: '/var/lib/ha-node/keepalived/keepalived.conf',
  pidFile: '/run/ha-keepalived/keepalived.pid',
  dump: '/run/ha-keepalived/keepalived.json',
  fifo: '/run/ha-keepalived/notify.fifo',
  seen: '/run/ha-amphora/vrrp-seen',
  hostKeepalived: '/etc/keepalived/keepalived.conf',
};

/** The files of the connection to the controller, as PEM. */
export interface CredentialFiles {
  key: string;
  certificate: string;
  authority: string;
  /** The key of a certificate request that is not answered yet. */
  nextKey: string;
}

export function credentialFiles({ credentials }: Pick<NodePaths, 'credentials'>): CredentialFiles {
  return {
    key: `${credentials}/key.pem`,
    certificate: `${credentials}/certificate.pem`,
    authority: `${credentials}/authority.pem`,
    nextKey: `${credentials}/next-key.pem`,
  };
}
