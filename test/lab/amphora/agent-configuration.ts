/** What differs between configurations of agents. */
export interface AgentConfiguration {
  readonly amphoraId: string;
  /** `ADDRESS:PORT` each. */
  readonly controllers: readonly string[];
  readonly heartbeatKey: string;
  readonly heartbeatInterval: number;
  readonly topology: 'SINGLE' | 'ACTIVE_STANDBY';
}

/** amphora-agent.conf as a controller renders it (octavia, agent_jinja_cfg, amphora_agent_conf.template). */
export function agentConfigurationText(wish: AgentConfiguration): string {
  const sections: readonly [string, Readonly<Record<string, string | number>>][] = [
    ['DEFAULT', { debug: 'False', use_syslog: 'True' }],
    [
      'haproxy_amphora',
      {
        base_cert_dir: '/var/lib/octavia/certs',
        base_path: '/var/lib/octavia',
        bind_host: '::',
        bind_port: 9443,
        haproxy_cmd: '/usr/sbin/haproxy',
        user_log_facility: 0,
        administrative_log_facility: 1,
      },
    ],
    [
      'health_manager',
      {
        controller_ip_port_list: wish.controllers.join(', '),
        heartbeat_interval: wish.heartbeatInterval,
        heartbeat_key: wish.heartbeatKey,
      },
    ],
    [
      'amphora_agent',
      {
        agent_server_ca: '/etc/octavia/certs/client_ca.pem',
        agent_server_cert: '/etc/octavia/certs/server.pem',
        agent_request_read_timeout: 180,
        amphora_id: wish.amphoraId,
        amphora_udp_driver: 'keepalived_lvs',
      },
    ],
    ['controller_worker', { loadbalancer_topology: wish.topology }],
  ];
  return sections
    .map(([name, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${value}\n`);
      return `[${name}]\n${lines.join('')}`;
    })
    .join('\n');
}
