import type { Row, Store, Transaction, Value } from '../../controller/store/store.ts';
import type {
  KnownBalancer,
  KnownObject,
  ListenerSum,
  OperatingChange,
  OperatingStore,
} from '../deploying.ts';
import type { OperatingStatus, ProvisioningStatus, Statistics } from '../objects.ts';
import { settingsOf, tables } from '../rows/objects.ts';

/** What heartbeats tell, and a cache of what they need for it. */
export interface OperatingState extends OperatingStore {
  /** Call it after each transaction on a load balancer. */
  forget(balancer: string): void;
}

type Known = KnownBalancer & { provisioning: ProvisioningStatus };
/** Rows in one statement. */
const maxRows = 50;
/** With more load balancers to be read again, all are. */
const maxForgotten = 100;

/**
 * INVARIANTS
 * - What is cached of a load balancer was read after the last `forget` of it.
 * - What was not forgotten is the same object as before.
 */
export function makeOperatingState(
  store: Store,
  { clock = Date.now, now = () => performance.now() } = {},
): OperatingState {
  const forgotten = new Set<string>();
  let cached: Cached | undefined;
  let reading: Promise<Cached> | undefined;
  /** The open connections that each row has, so that a sum without news is not written. */
  const active = new Map<string, number>();

  function read(): Promise<Cached> {
    if (cached !== undefined && forgotten.size === 0) return Promise.resolve(cached);
    reading ??= readAgain();
    return reading;
  }

  async function readAgain(): Promise<Cached> {
    let present = cached;
    while (present === undefined || forgotten.size > 0) {
      const ids = [...forgotten];
      const isWhole = present === undefined || ids.length > maxForgotten;
      forgotten.clear();
      try {
        const known = await readKnown(store, now() - clock(), isWhole ? undefined : ids);
        present =
          isWhole || present === undefined ? cachedOf(known) : withNews(present, ids, known);
      } catch (error) {
        for (const id of ids) forgotten.add(id);
        reading = undefined;
        throw error;
      }
    }
    cached = present;
    reading = undefined;
    return present;
  }

  return {
    known: async () => (await read()).known,

    async setOperating(changes) {
      const { objects } = await read();
      const news = changes.filter(
        ({ kind, id, operating }) => objects.get(keyOf(kind, id))?.operating !== operating,
      );
      if (news.length === 0) return;
      await store.write((transaction) => writeOperating(transaction, news));
      for (const { kind, id, operating } of news) {
        const found = objects.get(keyOf(kind, id));
        if (found) found.operating = operating;
      }
    },

    async addStatistics(sums) {
      const news = sums.filter(
        (each) =>
          hasSum(each.statistics) || active.get(rowOf(each)) !== each.statistics.activeConnections,
      );
      if (news.length === 0) return;
      await store.write(async (transaction) => {
        for (let at = 0; at < news.length; at += maxRows)
          await addSums(transaction, news.slice(at, at + maxRows));
      });
      for (const each of news) active.set(rowOf(each), each.statistics.activeConnections);
    },

    forget(balancer) {
      // All are read again from then on. A controller without nodes reads none for a long time.
      if (forgotten.size <= maxForgotten) forgotten.add(balancer);
      if (active.size > maxActive) active.clear();
    },
  };
}

const maxActive = 100_000;
type Named = { operating: OperatingStatus };

function keyOf(kind: OperatingChange['kind'], id: string): string {
  return `${kind} ${id}`;
}

function rowOf({ listener, node }: ListenerSum): string {
  return `${listener} ${node}`;
}

function hasSum({ bytesIn, bytesOut, totalConnections, requestErrors }: Statistics): boolean {
  return bytesIn + bytesOut + totalConnections + requestErrors > 0;
}

interface Cached {
  known: readonly Known[];
  /** All that has a status, by kind and id. */
  objects: Map<string, Named>;
}

function cachedOf(known: readonly Known[]): Cached {
  const objects = new Map<string, Named>();
  for (const each of known) addTo(objects, each);
  return { known, objects };
}

/** @param ids of the load balancers that were read again; what is not among the news is gone */
function withNews(
  { known, objects }: Cached,
  ids: readonly string[],
  news: readonly Known[],
): Cached {
  const isOld = new Set(ids);
  const next = new Map(news.map((each) => [each.id, each]));
  const all: Known[] = [];
  for (const each of known) {
    if (!isOld.has(each.id)) {
      all.push(each);
      continue;
    }
    for (const [key] of namesIn(each)) objects.delete(key);
    const again = next.get(each.id);
    if (again) all.push(again);
    next.delete(each.id);
  }
  for (const each of news) addTo(objects, each);
  return { known: [...all, ...next.values()], objects };
}

function addTo(objects: Map<string, Named>, balancer: Known): void {
  for (const [key, object] of namesIn(balancer)) objects.set(key, object);
}

function* namesIn(balancer: Known): Generator<[string, Named]> {
  yield [keyOf('load_balancer', balancer.id), balancer];
  for (const listener of balancer.listeners) yield [keyOf('listener', listener.id), listener];
  for (const pool of balancer.pools) {
    yield [keyOf('pool', pool.id), pool];
    for (const member of pool.members) yield [keyOf('member', member.id), member];
  }
}

/**
 * @param toMonotonic what to add to a time of the store for that of `performance.now()`
 * @param ids of the load balancers to be read; all by default
 */
async function readKnown(
  store: Store,
  toMonotonic: number,
  ids: readonly string[] | undefined,
): Promise<Known[]> {
  const marks = (ids ?? []).map((_each, at) => `$${at + 1}`).join(', ');
  const of = (column: string) => (ids === undefined ? '' : `WHERE ${column} IN (${marks})`);
  const below = of('load_balancer');
  const read = (sql: string) => store.all(sql, ids ?? []);
  const [balancers, listeners, pools, members, monitors, placements] = await Promise.all([
    read(
      `SELECT id, provisioning, operating, settings, vip_address FROM balancer_load_balancers
       ${of('id')} ORDER BY created_ms, id`,
    ),
    read(`SELECT id, load_balancer, operating, settings FROM balancer_listeners ${below}`),
    read(`SELECT id, load_balancer, operating, settings FROM balancer_pools ${below}`),
    read(`SELECT id, pool, operating, settings FROM balancer_members ${below}`),
    read(`SELECT pool, settings FROM balancer_monitors ${below}`),
    read(`SELECT load_balancer, node, placed_ms FROM balancer_placements ${below} ORDER BY rank`),
  ]);
  const listenersOf = groupedBy(listeners, 'load_balancer');
  const poolsOf = groupedBy(pools, 'load_balancer');
  const membersOf = groupedBy(members, 'pool');
  const placementsOf = groupedBy(placements, 'load_balancer');
  const monitored = new Set(
    monitors
      .filter((row) => settingsOf('health_monitor', row).isEnabled)
      .map(({ pool }) => String(pool)),
  );
  const present = balancers.filter(({ provisioning }) => provisioning !== 'DELETED');
  return present.map((row) => {
    const id = String(row['id']);
    const placed = placementsOf.get(id) ?? [];
    return {
      ...knownOf(row),
      provisioning: row['provisioning'] as ProvisioningStatus,
      vip: String(row['vip_address']),
      nodes: placed.map(({ node }) => Number(node)),
      placedAt:
        Math.max(-Infinity, ...placed.map((each) => Number(each['placed_ms']))) + toMonotonic,
      listeners: (listenersOf.get(id) ?? []).map(knownOf),
      pools: (poolsOf.get(id) ?? []).map((pool) => ({
        ...knownOf(pool),
        hasMonitor: monitored.has(String(pool['id'])),
        members: (membersOf.get(String(pool['id'])) ?? []).map((member) => ({
          ...knownOf(member),
          weight: settingsOf('member', member).weight,
        })),
      })),
    };
  });
}

function knownOf(row: Row): KnownObject {
  const { isEnabled } = JSON.parse(String(row['settings'])) as { isEnabled: boolean };
  return { id: String(row['id']), isEnabled, operating: row['operating'] as OperatingStatus };
}

function groupedBy(rows: readonly Row[], column: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = String(row[column]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

async function writeOperating(
  transaction: Transaction,
  changes: readonly OperatingChange[],
): Promise<void> {
  const groups = new Map<string, OperatingChange[]>();
  for (const each of changes) {
    const key = keyOf(each.kind, each.operating);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  for (const group of groups.values()) {
    for (let at = 0; at < group.length; at += maxRows) {
      const part = group.slice(at, at + maxRows);
      const [first] = part;
      if (first === undefined) continue;
      await transaction.run(
        `UPDATE ${tables[first.kind].table} SET operating = $1
         WHERE id IN (${part.map((_each, index) => `$${index + 2}`).join(', ')}) AND provisioning <> 'DELETED'`,
        [first.operating, ...part.map(({ id }) => id)],
      );
    }
  }
}

async function addSums(transaction: Transaction, sums: readonly ListenerSum[]): Promise<void> {
  const values = sums.map(({ node, listener, statistics: each }): Value[] => [
    ...[node, listener],
    ...[each.bytesIn, each.bytesOut],
    ...[each.activeConnections, each.totalConnections, each.requestErrors],
  ]);
  const rows = values.map(
    (row, at) => `(${row.map((_value, index) => `$${at * row.length + index + 1}`).join(', ')})`,
  );
  const sum = (column: string) => `${column} = balancer_statistics.${column} + excluded.${column}`;
  // A listener may have gone since the node has counted.
  await transaction.run(
    `WITH news (node, listener, bytes_in, bytes_out, active, total, errors) AS (VALUES ${rows.join(', ')})
     INSERT INTO balancer_statistics
       (listener, node, bytes_in, bytes_out, active_connections, total_connections, request_errors)
     SELECT l.id, CAST(n.node AS BIGINT), CAST(n.bytes_in AS BIGINT), CAST(n.bytes_out AS BIGINT),
       CAST(n.active AS BIGINT), CAST(n.total AS BIGINT), CAST(n.errors AS BIGINT)
     FROM news n JOIN balancer_listeners l ON l.id = n.listener WHERE l.id IS NOT NULL
     ON CONFLICT (listener, node) DO UPDATE SET ${sum('bytes_in')}, ${sum('bytes_out')},
       active_connections = excluded.active_connections, ${sum('total_connections')}, ${sum('request_errors')}`,
    values.flat(),
  );
}
