import type { Row, Transaction } from '../../controller/store/store.ts';
import { parseIp } from '../../kit/ip.ts';
import type { BalancerDomain, NewMember } from '../domain.ts';
import type { MemberSettings } from '../objects.ts';
import { findObject, findPlace } from '../rows/find.ts';
import { memberOf, wantedOf } from '../rows/objects.ts';
import { pageOf } from '../rows/pages.ts';
import { notFound, taken } from '../sentences.ts';
import { changeObject, deleteObjects } from '../state/changing.ts';
import { add, type Adding, digestOf, findRepeated, projectOf } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { concern } from './concerned.ts';

/** Adds a member to a pool. @returns its id */
export async function addMember(
  adding: Adding,
  pool: string,
  { id, project, ...settings }: NewMember,
  madeFrom?: string,
): Promise<string> {
  const { transaction, parts } = adding;
  if (settings.subnet !== null) parts.networks.demandSubnet(settings.subnet);
  await refuseTaken(transaction, pool, settings, undefined);
  const keys = { pool, address: keyOf(settings.address), port: settings.port };
  return add(adding, 'member', { claim: { id, project }, settings, keys, madeFrom });
}

/** Faults: `balancer_conflict` */
async function refuseTaken(
  transaction: Transaction,
  pool: string,
  { address, port }: Pick<MemberSettings, 'address' | 'port'>,
  own: string | undefined,
): Promise<void> {
  const other = await transaction.one(
    'SELECT id FROM balancer_members WHERE pool = $1 AND address = $2 AND port = $3 AND id <> $4',
    [pool, keyOf(address), port, own ?? ''],
  );
  if (other)
    throw taken(
      `Another member on this pool is already using ip ${address} on protocol_port ${port}`,
    );
}

/** One address has one text in the unique column. */
function keyOf(address: string): string {
  return parseIp(address)?.text ?? address;
}

export function makeMembers(parts: ChangeParts): BalancerDomain['members'] {
  const { store, clock } = parts;
  return {
    async list(scope, place, page) {
      const { pool } = await findPlace(store, scope, place, clock());
      const rows = await store.all(
        'SELECT * FROM balancer_members WHERE pool = $1 ORDER BY created_ms, id',
        [idOf(pool)],
      );
      return pageOf(rows.map(memberOf), page);
    },

    async get(scope, place, id) {
      const { balancer, pool } = await findPlace(store, scope, place, clock());
      const row = await findObject(store, 'member', String(balancer['id']), id);
      return memberOf(demandIn(row, pool, id));
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const pool = idOf(change.pool);
        const madeFrom = digestOf('member', pool, wanted);
        const repeated = await findRepeated(transaction, 'member', wanted, madeFrom);
        if (repeated) return memberOf(repeated);
        const turn = await change.lock();
        const project = projectOf({ project: scope.tenant }, String(change.balancer['project']));
        const id = await addMember(
          { ...turn, transaction, parts, project },
          pool,
          wanted,
          madeFrom,
        );
        await concern(transaction, turn, pool, change.listener);
        return memberOf(await written(change, 'balancer_members', id));
      }),

    change: (scope, place, id, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const pool = idOf(change.pool);
        const row = demandIn(
          await findObject(transaction, 'member', change.id, id),
          change.pool,
          id,
        );
        const turn = await change.lock();
        const settings = { ...wantedOf('member', row), ...wanted };
        await refuseTaken(transaction, pool, settings, String(row['id']));
        const keys = { port: settings.port };
        await changeObject(transaction, 'member', turn, row, { settings, keys });
        await concern(transaction, turn, pool, change.listener);
        return memberOf(await written(change, 'balancer_members', String(row['id'])));
      }),

    remove: (scope, place, id, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const row = demandIn(
          await findObject(transaction, 'member', change.id, id),
          change.pool,
          id,
        );
        const turn = await change.lock();
        await deleteObjects(transaction, 'member', turn, 'id = $2', [String(row['id'])]);
        await concern(transaction, turn, idOf(change.pool), change.listener);
      }),
  };
}

/** The id of the pool in a place, which the routes of members always name. */
function idOf(pool: Row | undefined): string {
  if (pool === undefined) throw new TypeError('the place of a member names its pool');
  return String(pool['id']);
}

/** Faults: `balancer_object_not_found` for a member of another pool */
function demandIn(row: Row, pool: Row | undefined, id: string): Row {
  if (row['pool'] !== idOf(pool)) throw notFound('member', id);
  return row;
}
