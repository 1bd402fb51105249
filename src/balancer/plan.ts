import type { Row } from '../controller/store/store.ts';
import type {
  WantedBalancer,
  WantedCertificate,
  WantedListener,
  WantedNode,
  WantedPolicy,
  WantedPool,
} from './deploying.ts';
import type { BalancerRows } from './rows/find.ts';
import { settingsOf, type SettingsOf, wantedOf } from './rows/objects.ts';
import type { Kind } from './sentences.ts';

/** The changes whose values are in a plan; all others have those of before. */
export type Turns = ReadonlySet<number>;

/** All turns of a load balancer that are not visible yet, the oldest first. */
export function openTurns(rows: BalancerRows): number[] {
  const { balancer, listeners, pools, members, monitors, policies, rules } = rows;
  const all = [balancer, ...listeners, ...pools, ...members, ...monitors, ...policies, ...rules];
  const turns = all.flatMap(({ turn }) =>
    turn === null || turn === undefined ? [] : Number(turn),
  );
  return [...new Set(turns)].sort((a, b) => a - b);
}

/** The references to certificates that a plan needs. */
export function refsIn(rows: BalancerRows, turns: Turns): Set<string> {
  const refs = rows.listeners.flatMap((row) => {
    const settings = effective('listener', row, turns);
    if (settings?.protocol !== 'TERMINATED_HTTPS' || settings.tlsRef === null) return [];
    return [settings.tlsRef, ...settings.sniRefs];
  });
  return new Set(refs);
}

/**
 * What the nodes of a load balancer are to run. Pure.
 * @param certificates by the references of listeners
 * @param addresses by the ids of nodes; a placement on a node without one is left out
 */
export function planOf(
  rows: BalancerRows,
  {
    turns,
    certificates,
    addresses,
  }: {
    turns: Turns;
    certificates: ReadonlyMap<string, WantedCertificate>;
    addresses: ReadonlyMap<number, string>;
  },
): WantedBalancer {
  const { balancer, placements } = rows;
  const isEnabled = effective('load_balancer', balancer, turns)?.isEnabled ?? false;
  const pools = rows.pools.flatMap((row) => poolOf(row, rows, turns) ?? []);
  const usable = new Set(pools.map(({ id }) => id));
  const nodes = placements.flatMap((row): WantedNode[] => {
    const id = Number(row['node']);
    const address = addresses.get(id);
    return address === undefined ? [] : [{ id, address }];
  });
  return {
    id: String(balancer['id']),
    vip: String(balancer['vip_address']),
    peerPort: Number(placements[0]?.['peer_port'] ?? 0),
    nodes,
    listeners: isEnabled
      ? rows.listeners.flatMap(
          (row) => listenerOf(row, rows, { turns, certificates, usable }) ?? [],
        )
      : [],
    pools: isEnabled ? pools : [],
  };
}

/** The values of a row in a plan; undefined if it is not in it. */
function effective<K extends Kind>(kind: K, row: Row, turns: Turns): SettingsOf[K] | undefined {
  const { turn, fate } = row;
  const isIn = turn !== null && turn !== undefined && turns.has(Number(turn));
  if (isIn && fate === 'delete' && kind !== 'load_balancer') return undefined;
  if (!isIn && fate === 'create') return undefined;
  return isIn ? wantedOf(kind, row) : settingsOf(kind, row);
}

interface ListenerContext {
  turns: Turns;
  certificates: ReadonlyMap<string, WantedCertificate>;
  /** The ids of pools that are in the plan. */
  usable: ReadonlySet<string>;
}

function listenerOf(
  row: Row,
  rows: BalancerRows,
  { turns, certificates, usable }: ListenerContext,
): WantedListener | undefined {
  const settings = effective('listener', row, turns);
  if (settings === undefined || !settings.isEnabled) return undefined;
  const { protocol, tlsRef, sniRefs, defaultPool } = settings;
  const refs = protocol === 'TERMINATED_HTTPS' && tlsRef !== null ? [tlsRef, ...sniRefs] : [];
  const id = String(row['id']);
  return {
    id,
    protocol,
    port: settings.port,
    connectionLimit: settings.connectionLimit,
    insertHeaders: settings.insertHeaders,
    defaultPool: defaultPool !== null && usable.has(defaultPool) ? defaultPool : null,
    certificates: unique(refs.flatMap((ref) => certificates.get(ref) ?? [])),
    policies: rows.policies
      .filter(({ listener }) => listener === id)
      .flatMap((policy) => policyOf(policy, rows, { turns, usable }) ?? [])
      .sort((a, b) => a.position - b.position)
      .map((each) => each.policy),
  };
}

/** A certificate may be named twice, by a UUID and by a URL. */
function unique(certificates: readonly WantedCertificate[]): WantedCertificate[] {
  return certificates.filter(
    ({ id }, at) => certificates.findIndex((other) => other.id === id) === at,
  );
}

function policyOf(
  row: Row,
  rows: BalancerRows,
  { turns, usable }: Pick<ListenerContext, 'turns' | 'usable'>,
): { policy: WantedPolicy; position: number } | undefined {
  const settings = effective('policy', row, turns);
  if (settings === undefined || !settings.isEnabled) return undefined;
  const { action, redirectPool, redirectUrl, redirectPrefix, position } = settings;
  if (redirectPool !== null && !usable.has(redirectPool)) return undefined;
  const id = String(row['id']);
  const rules = rows.rules
    .filter(({ policy }) => policy === id)
    .flatMap((rule) => {
      const values = effective('rule', rule, turns);
      return values ? { id: String(rule['id']), ...values } : [];
    });
  // A policy without a rule never applies.
  if (rules.length === 0) return undefined;
  return { policy: { id, action, redirectPool, redirectUrl, redirectPrefix, rules }, position };
}

function poolOf(row: Row, rows: BalancerRows, turns: Turns): WantedPool | undefined {
  const settings = effective('pool', row, turns);
  if (settings === undefined || !settings.isEnabled) return undefined;
  const { protocol, algorithm, persistence } = settings;
  const id = String(row['id']);
  const monitorRow = rows.monitors.find(({ pool }) => pool === id);
  const monitor = monitorRow && effective('health_monitor', monitorRow, turns);
  return {
    id,
    protocol,
    algorithm,
    persistence,
    members: rows.members
      .filter(({ pool }) => pool === id)
      .flatMap((member) => {
        const values = effective('member', member, turns);
        if (values === undefined) return [];
        const { address, port, weight, isEnabled, monitorAddress, monitorPort } = values;
        return {
          id: String(member['id']),
          address,
          port,
          weight,
          isEnabled,
          monitorAddress,
          monitorPort,
        };
      }),
    monitor: monitor?.isEnabled === true ? withoutEnabled(monitor) : null,
  };
}

function withoutEnabled(monitor: SettingsOf['health_monitor']): NonNullable<WantedPool['monitor']> {
  const { type, delay, timeout, fallThreshold, riseThreshold } = monitor;
  const { httpMethod, urlPath, expectedCodes } = monitor;
  return {
    type,
    delay,
    timeout,
    fallThreshold,
    riseThreshold,
    httpMethod,
    urlPath,
    expectedCodes,
  };
}
