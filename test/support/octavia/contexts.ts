// The variables of the drivers' templates, as jinja_cfg.py of each of them fills them in.

const script = '/var/lib/octavia/vrrp/check_script.sh';

interface Vip {
  ip_address: string;
  network_cidr: string;
  ipv6: boolean;
  gateway: string | null;
  excluded: boolean;
  host_routes: readonly { destination: string; nexthop: string }[];
}

function vrrp(
  role: string,
  priority: number,
  vips: readonly [Vip, ...Vip[]],
  own: string,
  peer: string,
) {
  const [first] = vips;
  return {
    vrrp_group_name: 'b1f3a5c79d0e4a2b8c6d1e3f5a7b9c0d',
    amp_role: role,
    amp_intf: 'eth1',
    amp_vrrp_id: 1,
    amp_priority: priority,
    vrrp_garp_refresh: 5,
    vrrp_garp_refresh_repeat: 2,
    vrrp_auth_type: 'PASS',
    vrrp_auth_pass: '7d3e9a1',
    amp_vrrp_ip: own,
    peers_vrrp_ips: [peer],
    advert_int: 1,
    check_script_path: script,
    vrrp_check_interval: 5,
    vrrp_fail_count: 2,
    vrrp_success_count: 2,
    vips,
    // 7.1 knows one VIP.
    vip_ip_address: first.ip_address,
    vip_network_cidr: first.network_cidr,
    vip_ipv6: first.ipv6,
  };
}

const ipv4: Vip = {
  ip_address: '10.1.0.5',
  network_cidr: '10.1.0.0/24',
  ipv6: false,
  gateway: '10.1.0.1',
  excluded: false,
  host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.1.0.254' }],
};
const ipv6: Vip = {
  ip_address: '2001:db8::5',
  network_cidr: '2001:db8::/64',
  ipv6: true,
  gateway: null,
  excluded: false,
  host_routes: [],
};

export const vrrpContexts = {
  'vrrp-master': vrrp('MASTER', 100, [ipv4], '10.1.0.11', '10.1.0.12'),
  'vrrp-backup': vrrp('BACKUP', 90, [ipv4], '10.1.0.12', '10.1.0.11'),
  'vrrp-ipv6': vrrp('MASTER', 100, [ipv6], '2001:db8::11', '2001:db8::12'),
  'vrrp-two-vips': vrrp(
    'MASTER',
    100,
    [ipv4, { ...ipv6, excluded: true }],
    '10.1.0.11',
    '10.1.0.12',
  ),
};

const constants = {
  AMPHORA_NAMESPACE: 'amphora-haproxy',
  HEALTH_MONITOR_UDP_CONNECT: 'UDP-CONNECT',
  HEALTH_MONITOR_HTTP: 'HTTP',
  HEALTH_MONITOR_HTTP_METHOD_GET: 'GET',
  HEALTH_MONITOR_TCP: 'TCP',
  SESSION_PERSISTENCE_SOURCE_IP: 'SOURCE_IP',
  LVS_PROTOCOLS: ['UDP', 'SCTP'],
};

function member(id: string, address: string, more: object = {}) {
  return {
    id,
    address,
    ip_version: address.includes(':') ? 6 : 4,
    protocol_port: 82,
    weight: 13,
    enabled: true,
    monitor_address: null,
    monitor_port: null,
    ...more,
  };
}

function monitor(type: string, more: object = {}) {
  return {
    id: 'sample_monitor_id_1',
    type,
    delay: 30,
    timeout: 31,
    enabled: true,
    fall_threshold: 3,
    check_script_path: '/var/lib/octavia/lvs/check/udp_check.sh',
    ...more,
  };
}

function lvs(
  vips: readonly string[],
  pool: object | null,
  listener: object = {},
  protocol = 'udp',
) {
  const defaultPool = pool && {
    id: 'sample_pool_id_1',
    protocol,
    lb_algorithm: 'wrr',
    health_monitor: '',
    session_persistence: '',
    enabled: true,
    ...pool,
  };
  return {
    constants,
    lib_consts: { HEALTH_MONITOR_SCTP: 'SCTP' },
    loadbalancer: {
      id: 'sample_loadbalancer_id_1',
      enabled: true,
      vip_address: vips[0],
      vips: vips.map((address) => ({
        ip_address: address,
        ip_version: address.includes(':') ? 6 : 4,
      })),
      listener: {
        id: 'sample_listener_id_1',
        protocol_port: 80,
        protocol_mode: protocol,
        enabled: true,
        default_pool: defaultPool,
        ...listener,
      },
    },
  };
}

const members = [
  member('sample_member_id_1', '10.0.0.99'),
  member('sample_member_id_2', '10.0.0.98', { monitor_address: '192.168.1.1', monitor_port: 9000 }),
];
const persistence = {
  type: 'SOURCE_IP',
  persistence_timeout: 33,
  persistence_granularity: '255.0.0.0',
};

export const lvsContexts = {
  'lvs-udp': lvs(
    ['10.0.0.2'],
    {
      members,
      health_monitor: monitor('UDP-CONNECT'),
      session_persistence: persistence,
    },
    { connection_limit: 98 },
  ),
  'lvs-http-monitor': lvs(['10.0.0.2'], {
    members,
    health_monitor: monitor('HTTP', {
      url_path: '/index.html',
      http_method: 'GET',
      expected_codes: ['200', '418'],
    }),
  }),
  'lvs-tcp-monitor': lvs(['10.0.0.2'], { members, health_monitor: monitor('TCP') }),
  'lvs-sctp': lvs(['10.0.0.2'], { members, health_monitor: monitor('SCTP') }, {}, 'sctp'),
  'lvs-two-families': lvs(['10.0.0.2', '2001:db8::2'], {
    members: [...members, member('sample_member_id_3', '2001:db8::99')],
    session_persistence: { type: 'SOURCE_IP' },
  }),
  'lvs-disabled-member': lvs(['10.0.0.2'], {
    members: [member('sample_member_id_1', '10.0.0.99', { enabled: false }), ...members.slice(1)],
  }),
  'lvs-disabled-pool': lvs(['10.0.0.2'], { members, enabled: false }),
  'lvs-disabled-listener': lvs(['10.0.0.2'], { members }, { enabled: false }),
  'lvs-without-pool': lvs(['10.0.0.2'], null),
};
