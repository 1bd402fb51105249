import { agentConfigurationText } from './agent-configuration.ts';
import type { Identity } from './certificates.ts';
import { makeIdentity, serverOf } from './certificates.ts';
import type { Driver, Step } from './driver.ts';
import type { AmphoraLab } from './lab.ts';
import { memberPlug, textOf, vipPlug } from './lab.ts';
import { members, tenant } from './networks.ts';

/** The ids of the load balancer that the life cycle makes. */
export const ids = {
  lb: '4a000000-aaaa-4000-8000-000000000001',
  http: '4b000000-aaaa-4000-8000-000000000001',
  tcp: '4b000000-aaaa-4000-8000-000000000002',
  https: '4b000000-aaaa-4000-8000-000000000003',
  httpPool: '4c000000-aaaa-4000-8000-000000000001',
  tcpPool: '4c000000-aaaa-4000-8000-000000000002',
  monitor: '4d000000-aaaa-4000-8000-000000000001',
} as const;

export const memberId = (pool: 1 | 2, index: number): string =>
  `4e000000-aaaa-4000-8000-00000000${pool}00${index + 1}`;

/** Drivers that speak 0.5 ask for a million connections otherwise, and this place has 20 000 descriptors. */
const connectionLimit = 1000;

export const listenerPorts = { http: 80, tcp: 7007, https: 443 } as const;

/** The certificates of the tenant's listeners. */
export interface TenantCertificates {
  readonly www: Identity;
  readonly api: Identity;
  readonly clients: Identity;
}

export async function makeTenantCertificates(lab: AmphoraLab): Promise<TenantCertificates> {
  const folder = `${lab.folder}/tenant`;
  const server = (host: string, name: string) =>
    makeIdentity(
      folder,
      { name, commonName: host, alternativeNames: [`DNS:${host}`], use: 'serverAuth' },
      lab.trust.authority,
    );
  return {
    www: await server('www.example.com', 'www'),
    api: await server('api.example.com', 'api'),
    clients: await makeIdentity(folder, {
      name: 'clients',
      commonName: 'Clients of the tenant',
      isAuthority: true,
    }),
  };
}

const tlsOf = async (identity: Identity) => ({
  certificate: await textOf(identity.certificate),
  key: await textOf(identity.key),
});

/**
 * The load balancer of the life cycle, as a step of the driver: HTTP with a monitor, TCP, and TERMINATED_HTTPS with
 * two names.
 * @param tls without it there is no TERMINATED_HTTPS
 */
export async function loadBalancer(tls?: TenantCertificates): Promise<Step> {
  const http = {
    id: ids.http,
    protocol: 'HTTP',
    protocol_port: listenerPorts.http,
    default_pool: ids.httpPool,
    insert_headers: { 'X-Forwarded-For': 'true' },
    connection_limit: connectionLimit,
  };
  const tcp = {
    id: ids.tcp,
    protocol: 'TCP',
    protocol_port: listenerPorts.tcp,
    default_pool: ids.tcpPool,
    connection_limit: connectionLimit,
  };
  const spec = {
    id: ids.lb,
    vip: tenant.vip.address,
    pools: [
      {
        id: ids.httpPool,
        protocol: 'HTTP',
        health_monitor: { id: ids.monitor, type: 'HTTP', url_path: '/health' },
        members: poolMembers(1, 80),
      },
      { id: ids.tcpPool, protocol: 'TCP', members: poolMembers(2, 7) },
    ],
    listeners: [http, tcp, ...(tls === undefined ? [] : [await httpsListener(tls)])],
  };
  return { do: 'load_balancer', spec };
}

async function httpsListener({ www, api }: TenantCertificates) {
  return {
    id: ids.https,
    protocol: 'TERMINATED_HTTPS',
    protocol_port: listenerPorts.https,
    default_pool: ids.httpPool,
    connection_limit: connectionLimit,
    tls: await tlsOf(www),
    sni: [await tlsOf(api)],
    tls_versions: ['TLSv1.2', 'TLSv1.3'],
    alpn_protocols: ['h2', 'http/1.1'],
  };
}

const poolMembers = (pool: 1 | 2, port: number) =>
  members.slice(0, 2).map(({ address }, index) => ({
    id: memberId(pool, index),
    ip_address: address,
    protocol_port: port,
    subnet_id: 'members',
  }));

export interface LifeCycleOptions {
  /** Overrides the version that the driver would discover. */
  readonly version?: '0.5' | 'v0.1';
  /** Without TERMINATED_HTTPS, for v0.1, and where Debian 13's driver meets an agent that reports all memory as free. */
  readonly tls?: boolean;
  /** Another load balancer than `loadBalancer`, as a step of the driver. */
  readonly balancer?: Step;
  /** `play` stops at the first failure or repetition; `attempt` goes on. */
  readonly mode?: 'play' | 'attempt';
}

/**
 * Plays the first half of the life cycle on all nodes. The VIP serves when keepalived has found its check to succeed
 * twice, about 10 s later. A SINGLE amphora has no keepalived: it would take the VIP away that the agent has set.
 */
export async function bringServiceUp(
  lab: AmphoraLab,
  driver: Driver,
  { version, tls = true, mode = 'play', balancer }: LifeCycleOptions = {},
): Promise<void> {
  const play = (step: Step) => driver[mode](step);
  await play(balancer ?? (await loadBalancer(tls ? await makeTenantCertificates(lab) : undefined)));
  for (const [amphora, node] of lab.nodes.entries()) {
    if (version !== undefined) {
      await play({ do: 'use_api', version, amphora });
    }
    await play({ do: 'get_info', amphora });
    await play({ do: 'get_details', amphora });
    const vip = await node.hotplug('vip');
    await play({ do: 'plug_vip', info: vipPlug(node, vip), amphora });
    const port = await node.hotplug('members');
    await play({ do: 'plug_network', port: memberPlug(node, port), amphora });
    await play({ do: 'get_interface_from_ip', amphora });
  }
  const hasVrrp = lab.topology === 'ACTIVE_STANDBY';
  const subnet = { cidr: tenant.vip.cidr, gateway_ip: tenant.vip.gateway };
  for (const amphora of lab.nodes.keys()) {
    if (hasVrrp) {
      await play({ do: 'update_vrrp_conf', subnet, amphora });
    }
    await play({ do: 'update_amphora_listeners', amphora });
    if (hasVrrp) {
      await play({ do: 'start_vrrp_service', amphora });
    }
    await play({ do: 'get_all_listeners', amphora });
  }
}

/** Plays the second half: changes, rotation, and the end, after which nothing should be left. */
export async function changeAndRemove(
  lab: AmphoraLab,
  driver: Driver,
  { version, tls = true, mode = 'play' }: LifeCycleOptions = {},
): Promise<void> {
  const play = (step: Step) => driver[mode](step);
  await play({ do: 'reload' });
  await play({ do: 'start' });
  for (const [amphora, node] of lab.nodes.entries()) {
    if (version === undefined) {
      const text = agentConfigurationText({
        amphoraId: node.id,
        controllers: [`${lab.controller}:5555`],
        heartbeatKey: lab.heartbeatKey,
        heartbeatInterval: 4,
        topology: lab.topology,
      });
      await play({ do: 'update_amphora_agent_config', text, amphora });
    }
    const next = await makeIdentity(
      `${lab.folder}/rotated`,
      serverOf(node.id),
      lab.trust.authority,
    );
    await play({ do: 'upload_cert_amp', pem: await textOf(next.pem), amphora });
    await play({ do: 'get_info', amphora });
  }
  if (lab.topology === 'ACTIVE_STANDBY') {
    await play({ do: 'stop_vrrp_service' });
  }
  const listeners = [ids.http, ids.tcp, ...(tls ? [ids.https] : [])];
  for (const listener of listeners) {
    await play({ do: 'delete', listener });
  }
}
