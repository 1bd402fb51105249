import type { IpvsTables } from '../../keepalived/ipvs.ts';
import { plainAddress } from '../../kit/addresses.ts';
import type { MemberStatus, PoolState } from '../amphora.ts';
import type { Counters } from '../heartbeat/payload.ts';

interface Place {
  address: string;
  port: number;
}

/** What is read of a configuration of LVS. */
export interface LvsConfigured {
  protocol: 'UDP' | 'SCTP' | 'TCP' | undefined;
  /** A disabled listener has no virtual server, and controllers do not count it. */
  isEnabled: boolean;
  vips: readonly Place[];
  pool: { id: string; isEnabled: boolean } | undefined;
  /** The id of the health monitor. */
  monitor: string | undefined;
  members: readonly (Place & { id: string; weight: number })[];
  disabledMembers: readonly string[];
}

/**
 * The pools of a listener whose process runs, as Octavia's agent reports them (keepalivedlvs_query.py of 16.0). keepalived
 * takes a member that its monitor finds down out of the table.
 * @param tables undefined if IPVS cannot be asked; then no state is known
 * @param isRestarting whether the process still runs the configuration before; a missing member may not be checked yet
 */
export function lvsPoolsOf(
  config: LvsConfigured,
  tables: IpvsTables | undefined,
  isRestarting: boolean,
): PoolState[] {
  const { pool, monitor, members, disabledMembers } = config;
  if (tables === undefined || pool?.isEnabled !== true) return [];
  const servers = servicesOf(config, tables.services).flatMap((service) => service.servers);
  const missing = isRestarting ? 'RESTARTING' : 'DOWN';
  const states = members.map(({ id, weight, ...place }): { id: string; status: MemberStatus } => {
    const server = servers.find((each) => isSamePlace(each, place));
    if (server === undefined) {
      const isTakenOut = monitor !== undefined || servers.length > 0;
      return { id, status: isTakenOut ? missing : weight === 0 ? 'DRAIN' : 'no check' };
    }
    if (server.weight === 0) return { id, status: 'DRAIN' };
    return { id, status: monitor === undefined ? 'no check' : 'UP' };
  });
  const isDown = states.length > 0 && states.every(({ status }) => status === missing);
  const disabled = disabledMembers.map((id) => ({ id, status: 'MAINT' as const }));
  return [{ id: pool.id, status: isDown ? 'DOWN' : 'UP', members: [...states, ...disabled] }];
}

/** What a listener has counted since its process started; zeros if IPVS cannot be asked. */
export function lvsCountersOf(config: LvsConfigured, tables: IpvsTables | undefined): Counters {
  const stats = servicesOf(config, tables?.stats ?? []);
  const servers = servicesOf(config, tables?.services ?? []).flatMap((service) => service.servers);
  return {
    tx: sum(stats.map(({ outBytes }) => outBytes)),
    rx: sum(stats.map(({ inBytes }) => inBytes)),
    conns: sum(servers.map(({ active }) => active)),
    totconns: sum(stats.map(({ conns }) => conns)),
    ereq: 0,
  };
}

/** A listener has a service for each of its VIPs. */
function servicesOf<S extends Place & { protocol: string }>(
  { vips, protocol }: LvsConfigured,
  services: readonly S[],
): S[] {
  return services.filter(
    (service) => service.protocol === protocol && vips.some((place) => isSamePlace(place, service)),
  );
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.port === b.port && canonical(a.address) === canonical(b.address);
}

/** IPv6 has several spellings, and a URL has one of them. */
function canonical(address: string): string {
  if (!address.includes(':')) return address;
  const host = URL.parse(`http://[${plainAddress(address)}]/`)?.hostname;
  return host ?? address;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
