/**
 * The files of the amphora. The first two are keys of amphora-agent.conf, because controllers write them into what they
 * upload.
 */
export interface AmphoraPaths {
  /** `base_path`: /var/lib/octavia */
  base: string;
  /** `base_cert_dir`: /var/lib/octavia/certs */
  certificates: string;
  /** The configuration of the agent, which the controller writes. */
  agentConfig: string;
  /** A file for each plugged interface. */
  interfaces: string;
  /** For haproxy.cfg `log`. */
  logSocket: string;
}

export const debianAmphoraPaths: AmphoraPaths = {
  base: '/var/lib/octavia',
  certificates: '/var/lib/octavia/certs',
  agentConfig: '/etc/octavia/amphora-agent.conf',
  interfaces: '/etc/octavia/interfaces',
  logSocket: '/run/rsyslog/octavia/log',
};

/** Where ha-amphora answers root on this host with its status. */
export const amphoraSocket = '/run/ha-amphora/ha-amphora.sock';
