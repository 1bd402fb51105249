import type { Row, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, NewPool, PoolChange } from '../domain.ts';
import type { ListenerProtocol, PoolProtocol, PoolSettings } from '../objects.ts';
import { findObject, findPlace, readTree } from '../rows/find.ts';
import { poolOf, settingsOf, wantedOf } from '../rows/objects.ts';
import { pageOf } from '../rows/pages.ts';
import { treesOf } from '../rows/trees.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { adjustObject, changeObject, deleteObjects, touchListeners } from '../state/changing.ts';
import { add, type Adding, digestOf, findRepeated, projectOf } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { listenersOf } from './concerned.ts';
import { addMember } from './members.ts';
import { addMonitor } from './monitors.ts';

/** Protocols of pools that each protocol of a listener can hand its connections to. */
const fitting: Readonly<Record<ListenerProtocol, readonly PoolProtocol[]>> = {
  TCP: ['TCP', 'HTTP', 'HTTPS', 'PROXY'],
  HTTP: ['HTTP', 'PROXY'],
  HTTPS: ['HTTPS', 'TCP', 'PROXY'],
  TERMINATED_HTTPS: ['HTTP', 'PROXY'],
};

/** Faults: `balancer_conflict` */
export function demandFit(listener: ListenerProtocol, pool: PoolProtocol): void {
  if (fitting[listener].includes(pool)) return;
  throw taken(
    `A listener with the protocol ${listener} cannot use a pool with the protocol ${pool}. Use one of: ${fitting[listener].join(', ')}`,
  );
}

/** Adds a pool with its members and its monitor. @returns its id */
export async function addPool(adding: Adding, wanted: NewPool, madeFrom?: string): Promise<string> {
  const { id, project, members, monitor } = wanted;
  const { name, description, isEnabled, protocol, algorithm, persistence } = wanted;
  const settings = { name, description, isEnabled, protocol, algorithm, persistence };
  demandPersistence(settings);
  const claim = { id, project };
  const pool = await add(adding, 'pool', { claim, settings, keys: {}, madeFrom });
  const below = { ...adding, project: projectOf(claim, adding.project) };
  for (const each of members) await addMember(below, pool, each);
  if (monitor) await addMonitor(below, pool, monitor);
  return pool;
}

/** Faults: `balancer_invalid` */
function demandPersistence({ persistence }: Pick<PoolSettings, 'persistence'>): void {
  if (persistence?.type === 'APP_COOKIE' && persistence.cookieName === null) {
    throw invalid(
      'Validation failure: A session_persistence of the type APP_COOKIE needs a cookie_name.',
    );
  }
}

/** Has a listener use a pool by default. Faults: `balancer_conflict` */
async function giveDefault(adding: Adding, listener: Row, pool: string, protocol: PoolProtocol) {
  if (listener['default_pool'] !== null) throw taken('This listener already has a default pool');
  demandFit(wantedOf('listener', listener).protocol, protocol);
  await adjustObject(adding.transaction, 'listener', adding, listener, {
    settings: { defaultPool: pool },
    keys: { default_pool: pool },
    isForced: true,
  });
}

export function makePools(parts: ChangeParts): BalancerDomain['pools'] {
  const { store, clock } = parts;
  return {
    async list(scope, place, page) {
      const { balancer, listener } = await findPlace(store, scope, place, clock());
      const rows = await store.all(
        'SELECT * FROM balancer_pools WHERE load_balancer = $1 ORDER BY created_ms, id',
        [String(balancer['id'])],
      );
      const used = listener && (await usedBy(store, listener));
      return pageOf(rows.filter((row) => used?.has(String(row['id'])) ?? true).map(poolOf), page);
    },

    async get(scope, place, id) {
      const { balancer } = await findPlace(store, scope, place, clock());
      return poolOf(await findObject(store, 'pool', String(balancer['id']), id));
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const madeFrom = digestOf('pool', change.id, place.listener, wanted);
        const repeated = await findRepeated(transaction, 'pool', wanted, madeFrom);
        if (repeated === undefined) {
          const named = wanted.listener;
          const listener =
            named === undefined
              ? change.listener
              : await findObject(transaction, 'listener', change.id, named);
          const turn = await change.lock();
          const project = scope.tenant ?? String(change.balancer['project']);
          const adding: Adding = { ...turn, transaction, parts, project };
          const pool = await addPool(adding, wanted, madeFrom);
          if (listener) {
            await giveDefault(adding, listener, pool, wanted.protocol);
            await touchListeners(transaction, new Set([String(listener['id'])]));
          }
          return treeOf(transaction, change.id, pool);
        }
        return treeOf(transaction, change.id, String(repeated['id']));
      }),

    change: (scope, place, id, change, condition) =>
      changeIn(parts, { scope, place, condition }, async ({ transaction, lock, ...found }) => {
        const row = await findObject(transaction, 'pool', found.id, id);
        const turn = await lock();
        const settings = merged(wantedOf('pool', row), change);
        demandPersistence(settings);
        const pool = String(row['id']);
        const listeners = await listenersOf(transaction, pool);
        for (const each of listeners) {
          const listener = await findObject(transaction, 'listener', found.id, each);
          demandFit(wantedOf('listener', listener).protocol, settings.protocol);
        }
        await changeObject(transaction, 'pool', turn, row, { settings });
        await touchListeners(transaction, listeners);
        return poolOf(await written({ transaction }, 'balancer_pools', pool));
      }),

    remove: (scope, place, id, condition) =>
      changeIn(parts, { scope, place, condition }, async ({ transaction, lock, ...found }) => {
        const row = await findObject(transaction, 'pool', found.id, id);
        const pool = String(row['id']);
        await refuseUsed(transaction, pool);
        const turn = await lock();
        const listeners = await listenersOf(transaction, pool);
        for (const each of listeners) {
          const listener = await findObject(transaction, 'listener', found.id, each);
          await adjustObject(transaction, 'listener', turn, listener, {
            settings: { defaultPool: null },
            keys: { default_pool: null },
            isForced: true,
          });
        }
        await touchListeners(transaction, listeners);
        await deleteObjects(transaction, 'member', turn, 'pool = $2', [pool]);
        await deleteObjects(transaction, 'health_monitor', turn, 'pool = $2', [pool]);
        await deleteObjects(transaction, 'pool', turn, 'id = $2', [pool]);
      }),
  };
}

/** The pools that a listener uses. */
async function usedBy(reading: ChangeParts['store'], listener: Row): Promise<Set<string>> {
  const policies = await reading.all('SELECT * FROM balancer_policies WHERE listener = $1', [
    String(listener['id']),
  ]);
  const ids = [
    settingsOf('listener', listener).defaultPool,
    ...policies.map((row) => settingsOf('policy', row).redirectPool),
  ];
  return new Set(ids.filter((each) => each !== null));
}

async function treeOf(transaction: Transaction, balancer: string, pool: string) {
  const rows = await readTree(transaction, balancer);
  const tree = rows && treesOf(rows).pool(pool);
  if (tree === undefined) throw notFound('pool', pool);
  return tree;
}

/** A pool that an L7 policy points at stays. Faults: `balancer_conflict` */
async function refuseUsed(transaction: Transaction, pool: string): Promise<void> {
  const policy = await transaction.one(
    'SELECT id FROM balancer_policies WHERE redirect_pool = $1 ORDER BY created_ms, id LIMIT 1',
    [pool],
  );
  if (policy) throw taken(`Pool ${pool} is in use by L7 policy ${String(policy['id'])}`);
}

function merged(present: PoolSettings, { persistence, ...change }: PoolChange): PoolSettings {
  if (persistence === undefined) return { ...present, ...change };
  if (persistence === null) return { ...present, ...change, persistence: null };
  const next = { cookieName: null, ...present.persistence, ...persistence };
  const { type } = next;
  if (type === undefined) {
    throw invalid(
      "Invalid input for field/attribute type. Value: 'None'. Mandatory field missing.",
    );
  }
  return { ...present, ...change, persistence: { ...next, type } };
}
