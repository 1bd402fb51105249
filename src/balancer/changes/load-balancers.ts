import { randomUUID } from 'node:crypto';

import type { Reading, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, LoadBalancerTree, NewLoadBalancer, Scope } from '../domain.ts';
import { type Booking, bookPort, claimPort } from '../network/booking.ts';
import { findBalancer, readTree } from '../rows/find.ts';
import { listBalancers } from '../rows/listing.ts';
import { loadBalancerOf, wantedOf } from '../rows/objects.ts';
import { sumOf } from '../rows/statistics.ts';
import { treesOf } from '../rows/trees.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { addObject, changeObject, deleteObjects, openJob, type Turn } from '../state/changing.ts';
import { digestOf, findRepeated } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { addListener } from './listeners.ts';
import { demandQuota } from './quotas.ts';

type LoadBalancers = BalancerDomain['loadBalancers'];

/** Load balancers themselves: what is read, and what is changed by one transaction. */
export function makeLoadBalancers(
  parts: ChangeParts,
): Pick<LoadBalancers, 'list' | 'get' | 'create' | 'change' | 'remove' | 'statistics'> {
  const { store, clock } = parts;
  return {
    list: ({ tenant }, { project, ...page } = {}) =>
      listBalancers(
        store,
        [tenant, project].filter((each) => each !== undefined),
        page,
      ),

    get: async (scope, id) => loadBalancerOf(await findBalancer(store, scope, id, clock())),

    async statistics(scope, id) {
      const row = await findBalancer(store, scope, id, clock());
      const balancer = String(row['id']);
      const [listeners, sums] = await Promise.all([
        store.all(
          'SELECT id FROM balancer_listeners WHERE load_balancer = $1 ORDER BY created_ms, id',
          [balancer],
        ),
        store.all(
          `SELECT s.* FROM balancer_statistics s JOIN balancer_listeners l ON l.id = s.listener
           WHERE l.load_balancer = $1`,
          [balancer],
        ),
      ]);
      return {
        total: sumOf(sums),
        listeners: listeners.map((each) => ({
          id: String(each['id']),
          ...sumOf(sums.filter(({ listener }) => listener === each['id'])),
        })),
      };
    },

    async create(scope, wanted) {
      const project = projectFor(scope, wanted);
      // Nodes are asked before the transaction, which must not wait for anything.
      const ground = await parts.placer.ground();
      const write = (booking: Booking) =>
        store.write(async (transaction) => {
          const madeFrom = digestOf('load balancer', project, wanted);
          const repeated = await findRepeated(transaction, 'load_balancer', wanted, madeFrom);
          if (repeated) {
            if (repeated['provisioning'] === 'DELETED')
              throw taken('Already an entity with that specified id.');
            const found = await treeOf(transaction, String(repeated['id']));
            return { tree: found, isNew: false };
          }
          const made = await createIn(transaction, parts, {
            wanted,
            project,
            madeFrom,
            booking,
            tenant: scope.tenant,
          });
          await parts.placer.place(transaction, ground, made.balancer, made.now);
          return { tree: await treeOf(transaction, made.balancer), isNew: true };
        });
      const { tree, isNew } = await parts.freeAddresses.book(wanted.vip, ground.owned, write);
      if (isNew) parts.onChanged(tree.loadBalancer.id);
      return tree;
    },

    change: (scope, id, change, condition) =>
      changeIn(parts, { scope, place: { loadBalancer: id }, condition }, async (found) => {
        const turn = await found.lock();
        const settings = { ...wantedOf('load_balancer', found.balancer), ...change };
        await changeObject(found.transaction, 'load_balancer', turn, found.balancer, { settings });
        return loadBalancerOf(await written(found, 'balancer_load_balancers', found.id));
      }),

    remove: (scope, id, isCascade, condition) =>
      changeIn(parts, { scope, place: { loadBalancer: id }, condition }, async (found) => {
        const { transaction } = found;
        if (!isCascade) await refuseChildren(transaction, found.id);
        const turn = await found.lock('PENDING_DELETE');
        await deleteObjects(transaction, 'load_balancer', turn, 'id = $2', [found.id]);
      }),
  };
}

/** Faults: `balancer_invalid` */
function projectFor({ tenant }: Scope, { project }: NewLoadBalancer): string {
  if (tenant !== undefined && project !== undefined && project !== tenant)
    throw invalid(
      `Validation failure: This token is bound to the project ${tenant}, and makes nothing in another one.`,
    );
  const found = project ?? tenant;
  if (found === undefined || found === '')
    throw invalid('Validation failure: Missing project ID in request where one is required.');
  return found;
}

async function createIn(
  transaction: Transaction,
  parts: ChangeParts,
  {
    wanted,
    project,
    madeFrom,
    ...asking
  }: {
    wanted: NewLoadBalancer;
    project: string;
    madeFrom: string;
    booking: Booking;
    tenant: string | undefined;
  },
): Promise<Turn> {
  const { name, description, isEnabled } = wanted;
  const now = parts.clock();
  await demandQuota(transaction, parts.defaultQuota, project, 'load_balancer');
  const turn = { balancer: wanted.id?.toLowerCase() ?? randomUUID(), revision: 1, now };
  const port = await bookPort(transaction, parts.networks, wanted.vip, asking);
  await addObject(transaction, 'load_balancer', turn, {
    id: turn.balancer,
    project,
    settings: { name, description, isEnabled },
    madeFrom,
    keys: {
      revision: turn.revision,
      // Nodes refuse smaller numbers, also those of a former load balancer with the same id.
      fence: now,
      vip_port: port.id,
      vip_network: port.network,
      vip_subnet: port.subnet,
      vip_address: port.address,
      vip_prefix: port.prefix,
    },
  });
  await claimPort(transaction, port, { owner: turn.balancer, project, now });
  const adding = { ...turn, transaction, parts, project };
  for (const each of wanted.listeners) await addListener(adding, each);
  await openJob(transaction, turn.balancer, turn.revision, now + parts.deadlineMs);
  return turn;
}

async function treeOf(reading: Reading, id: string): Promise<LoadBalancerTree> {
  const rows = await readTree(reading, id);
  if (rows === undefined) throw notFound('load_balancer', id);
  return treesOf(rows).whole();
}

/** Faults: `balancer_invalid` */
async function refuseChildren(transaction: Transaction, id: string): Promise<void> {
  for (const table of ['balancer_listeners', 'balancer_pools']) {
    const child = await transaction.one(
      `SELECT id FROM ${table} WHERE load_balancer = $1 LIMIT 1`,
      [id],
    );
    if (child)
      throw invalid(`Validation failure: Cannot delete Load Balancer ${id} - it has children`);
  }
}
