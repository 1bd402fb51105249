import type { Row, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, NewListener, TlsTermination } from '../domain.ts';
import type { ListenerSettings, Statistics } from '../objects.ts';
import { findObject, findPlace, readTree } from '../rows/find.ts';
import { listenerOf, wantedOf } from '../rows/objects.ts';
import { pageOf } from '../rows/pages.ts';
import { sumOf } from '../rows/statistics.ts';
import { treesOf } from '../rows/trees.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { changeObject, deleteObjects, pullIn } from '../state/changing.ts';
import { add, type Adding, digestOf, findRepeated, projectOf } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { addPolicy } from './policies.ts';
import { addPool, demandFit } from './pools.ts';

/** Adds a listener with all that is below it. @returns its id */
export async function addListener(
  adding: Adding,
  wanted: NewListener,
  madeFrom?: string,
): Promise<string> {
  const { id, project, termination, newDefaultPool, policies, ...given } = wanted;
  const { transaction, balancer } = adding;
  const claim = { id, project };
  const below = { ...adding, project: projectOf(claim, adding.project) };
  await refuseTaken(transaction, balancer, given.port, undefined);
  if (newDefaultPool && given.defaultPool !== null)
    throw invalid('Validation failure: Only one of default_pool_id and default_pool can be given.');
  const settings: ListenerSettings = {
    ...given,
    defaultPool: newDefaultPool ? await addPool(below, newDefaultPool) : given.defaultPool,
    tlsRef: await certificateOf(adding, given, termination),
  };
  await demandSettings(adding, settings);
  const listener = await add(adding, 'listener', {
    claim,
    settings,
    keys: { port: settings.port, default_pool: settings.defaultPool },
    madeFrom,
  });
  const row = await written(adding, 'balancer_listeners', listener);
  for (const each of policies) await addPolicy(below, row, each);
  return listener;
}

/**
 * Stores a certificate that was sent with a listener. As in the documented service, that of another protocol is of no
 * use.
 * @returns the reference that the listener has from now on
 */
async function certificateOf(
  { transaction, parts, now }: Pick<Adding, 'transaction' | 'parts' | 'now'>,
  { protocol, tlsRef }: Pick<ListenerSettings, 'protocol' | 'tlsRef'>,
  termination: TlsTermination | null | undefined,
): Promise<string | null> {
  if (!termination || protocol !== 'TERMINATED_HTTPS') return tlsRef;
  return parts.secrets.add(transaction, termination, now);
}

/** Faults: `balancer_conflict` */
async function refuseTaken(
  transaction: Transaction,
  balancer: string,
  port: number,
  own: string | undefined,
): Promise<void> {
  const other = await transaction.one(
    'SELECT id FROM balancer_listeners WHERE load_balancer = $1 AND port = $2 AND id <> $3',
    [balancer, port, own ?? ''],
  );
  if (other)
    throw taken(`Another Listener on this Load Balancer is already using protocol_port ${port}`);
}

/** Faults: `balancer_object_not_found`, `balancer_conflict`, `balancer_invalid` */
async function demandSettings(
  { transaction, parts, balancer }: Pick<Adding, 'transaction' | 'parts' | 'balancer'>,
  { defaultPool, protocol, tlsRef, sniRefs }: ListenerSettings,
): Promise<void> {
  if (defaultPool !== null) {
    const pool = await findObject(transaction, 'pool', balancer, defaultPool);
    if (pool['fate'] === 'delete') throw notFound('pool', defaultPool);
    demandFit(protocol, wantedOf('pool', pool).protocol);
  }
  if (protocol !== 'TERMINATED_HTTPS') return;
  if (tlsRef === null)
    throw invalid(
      'Validation failure: A listener with the protocol TERMINATED_HTTPS needs default_tls_container_id.',
    );
  for (const ref of [tlsRef, ...sniRefs]) {
    if (!(await parts.secrets.has(transaction, ref)))
      throw invalid(`Could not retrieve certificate: ${ref}`);
  }
}

export function makeListeners(parts: ChangeParts): BalancerDomain['listeners'] {
  const { store, clock } = parts;
  return {
    async list(scope, place, page) {
      const { balancer } = await findPlace(store, scope, place, clock());
      const rows = await store.all(
        'SELECT * FROM balancer_listeners WHERE load_balancer = $1 ORDER BY created_ms, id',
        [String(balancer['id'])],
      );
      return pageOf(rows.map(listenerOf), page);
    },

    async get(scope, place, id) {
      const { balancer } = await findPlace(store, scope, place, clock());
      return listenerOf(await findObject(store, 'listener', String(balancer['id']), id));
    },

    async statistics(scope, place, id): Promise<Statistics> {
      const { balancer } = await findPlace(store, scope, place, clock());
      const row = await findObject(store, 'listener', String(balancer['id']), id);
      return sumOf(
        await store.all('SELECT * FROM balancer_statistics WHERE listener = $1', [
          String(row['id']),
        ]),
      );
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const madeFrom = digestOf('listener', change.id, wanted);
        const repeated = await findRepeated(transaction, 'listener', wanted, madeFrom);
        if (repeated) return treeOf(transaction, change.id, String(repeated['id']));
        const turn = await change.lock();
        const project = scope.tenant ?? String(change.balancer['project']);
        const adding: Adding = { ...turn, transaction, parts, project };
        const id = await addListener(adding, wanted, madeFrom);
        const { defaultPool } = wanted;
        if (defaultPool !== null) await pullIn(transaction, 'pool', turn, defaultPool);
        return treeOf(transaction, change.id, id);
      }),

    change: (scope, place, id, { termination, ...wanted }, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const row = await findObject(transaction, 'listener', change.id, id);
        const turn = await change.lock();
        const given = { ...wantedOf('listener', row), ...wanted };
        const own = String(row['id']);
        await refuseTaken(transaction, change.id, given.port, own);
        const tlsRef = await certificateOf(change, given, termination);
        const settings = { ...given, tlsRef };
        await demandSettings({ transaction, parts, balancer: change.id }, settings);
        await demandPolicies(transaction, own, settings);
        await changeObject(transaction, 'listener', turn, row, {
          settings,
          keys: { port: settings.port, default_pool: settings.defaultPool },
        });
        if (settings.defaultPool !== null)
          await pullIn(transaction, 'pool', turn, settings.defaultPool);
        return listenerOf(await written(change, 'balancer_listeners', own));
      }),

    remove: (scope, place, id, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const own = String((await findObject(transaction, 'listener', change.id, id))['id']);
        const turn = await change.lock();
        await deleteObjects(
          transaction,
          'rule',
          turn,
          'policy IN (SELECT id FROM balancer_policies WHERE listener = $2)',
          [own],
        );
        await deleteObjects(transaction, 'policy', turn, 'listener = $2', [own]);
        await deleteObjects(transaction, 'listener', turn, 'id = $2', [own]);
      }),
  };
}

/** The pools of its policies must fit too. Faults: `balancer_conflict` */
async function demandPolicies(
  transaction: Transaction,
  listener: string,
  { protocol }: ListenerSettings,
): Promise<void> {
  const pools: Row[] = await transaction.all(
    `SELECT p.* FROM balancer_pools p JOIN balancer_policies l ON l.redirect_pool = p.id
     WHERE l.listener = $1`,
    [listener],
  );
  for (const pool of pools) demandFit(protocol, wantedOf('pool', pool).protocol);
}

async function treeOf(transaction: Transaction, balancer: string, listener: string) {
  const rows = await readTree(transaction, balancer);
  const tree = rows && treesOf(rows).listener(listener);
  if (tree === undefined) throw notFound('listener', listener);
  return tree;
}
