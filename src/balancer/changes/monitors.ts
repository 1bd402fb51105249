import type { Reading, Row } from '../../controller/store/store.ts';
import type { BalancerDomain, NewMonitor } from '../domain.ts';
import type { MonitorSettings } from '../objects.ts';
import { findPlace } from '../rows/find.ts';
import { monitorOf, wantedOf } from '../rows/objects.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { changeObject, deleteObjects } from '../state/changing.ts';
import { add, type Adding } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { concern } from './concerned.ts';

/** Adds the monitor of a pool. Faults: `balancer_conflict` if it has one */
export async function addMonitor(
  adding: Adding,
  pool: string,
  { project, ...settings }: NewMonitor,
): Promise<void> {
  const other = await adding.transaction.one('SELECT pool FROM balancer_monitors WHERE pool = $1', [
    pool,
  ]);
  if (other) throw taken('This pool already has a health monitor');
  demandTimes(settings);
  await add(adding, 'health_monitor', { claim: { id: pool, project }, settings, keys: {} });
}

/** Faults: `balancer_invalid` */
function demandTimes({ timeout, delay }: MonitorSettings): void {
  if (timeout > delay)
    throw invalid(
      `Validation failure: The timeout of a health monitor must not be more than its delay, and ${timeout} is more than ${delay}.`,
    );
}

export function makeMonitors(parts: ChangeParts): BalancerDomain['monitors'] {
  const { store, clock } = parts;
  return {
    async get(scope, place) {
      const { pool } = await findPlace(store, scope, place, clock());
      return monitorOf(await findMonitor(store, idOf(pool)));
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const pool = idOf(change.pool);
        const turn = await change.lock();
        const project = scope.tenant ?? String(change.balancer['project']);
        await addMonitor({ ...turn, transaction, parts, project }, pool, wanted);
        await concern(transaction, turn, pool, change.listener);
        return monitorOf(await written(change, 'balancer_monitors', pool, 'pool'));
      }),

    change: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const pool = idOf(change.pool);
        const row = await findMonitor(transaction, pool);
        const turn = await change.lock();
        const settings = { ...wantedOf('health_monitor', row), ...wanted };
        demandTimes(settings);
        await changeObject(transaction, 'health_monitor', turn, row, { settings });
        await concern(transaction, turn, pool, change.listener);
        return monitorOf(await written(change, 'balancer_monitors', pool, 'pool'));
      }),

    remove: (scope, place, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const pool = idOf(change.pool);
        await findMonitor(transaction, pool);
        const turn = await change.lock();
        await deleteObjects(transaction, 'health_monitor', turn, 'pool = $2', [pool]);
        await concern(transaction, turn, pool, change.listener);
      }),
  };
}

/** Faults: `balancer_object_not_found`, which names the pool */
async function findMonitor(reading: Reading, pool: string): Promise<Row> {
  const row = await reading.one('SELECT * FROM balancer_monitors WHERE pool = $1', [pool]);
  if (row === undefined) throw notFound('health_monitor', pool);
  return row;
}

function idOf(pool: Row | undefined): string {
  if (pool === undefined) throw new TypeError('the place of a monitor names its pool');
  return String(pool['id']);
}
