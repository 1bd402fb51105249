import type { NodeRegistry } from '../controller/nodes/nodes.ts';
import type { Reading, Row, Store, Transaction } from '../controller/store/store.ts';
import { Fault } from '../kit/fault.ts';
import { refuseDnsName } from './dns/names.ts';
import type { Publisher } from './dns/publisher.ts';
import { type Gateway, published } from './gateway.ts';

/** A node by its id or its name. */
export type NodeName = number | string;

/** What an administrator says of a gateway. Settings that are not there stay. */
export interface GatewayChange {
  name?: string | undefined;
  /** All of its nodes. */
  nodes?: readonly NodeName[] | undefined;
}

/**
 * Gateways and their nodes.
 * Faults: `gateway_not_found`, `node_not_found`, `name_taken`, `node_in_use`, `gateway_in_use`, those of Store
 */
export interface Gateways {
  list(query: { name?: string | undefined; page: number; pageSize: number }): Promise<{
    gateways: Gateway[];
    count: number;
  }>;
  find(id: number): Promise<Gateway>;
  create(settings: { name: string; nodes: readonly NodeName[] }): Promise<Gateway>;
  /** @returns what the caller should know, one sentence each */
  change(id: number, change: GatewayChange): Promise<readonly string[]>;
  remove(id: number): Promise<void>;
  /** @returns the id of the node */
  addNode(id: number, node: NodeName): Promise<number>;
  removeNode(id: number, node: number): Promise<void>;
}

export function makeGateways({
  store,
  registry,
  publisher,
}: {
  store: Store;
  registry: NodeRegistry;
  publisher: Publisher;
}): Gateways {
  /** Leaves out nodes that have been removed since. */
  async function withJoined(gateways: readonly Gateway[]): Promise<Gateway[]> {
    const known = new Set((await registry.list()).map(({ id }) => id));
    return gateways.map((each) => ({
      ...each,
      nodes: each.nodes.filter((node) => known.has(node)),
    }));
  }

  /** @returns the ids of nodes that have joined. Faults: `node_not_found` */
  async function idsOf(wanted: readonly NodeName[], field: string): Promise<number[]> {
    const known = await registry.list();
    return wanted.map((each) => {
      const found = known.find(({ id, name }) => id === each || name === each);
      if (found) return found.id;
      const type = typeof each;
      const error = { field, message: 'must be a node that has joined', type };
      throw new Fault(
        'node_not_found',
        `There is no node ${each}. 'hactl node list' shows the nodes that have joined.`,
        { errors: [error] },
      );
    });
  }

  return {
    async list({ name, page, pageSize }) {
      const rows = await store.all('SELECT id, name FROM gateways ORDER BY id');
      const matching = rows.filter((row) => name === undefined || row['name'] === name);
      const shown = matching.slice((page - 1) * pageSize, page * pageSize);
      const nodes = await store.all('SELECT gateway, node FROM gateway_nodes ORDER BY node');
      const gateways = await withJoined(shown.map((row) => gatewayOf(row, nodes)));
      return { gateways, count: matching.length };
    },

    async find(id) {
      const found = await findGateway(store, id);
      const [shown = found] = await withJoined([found]);
      return shown;
    },

    async create({ name, nodes }) {
      const ids = await idsOf(nodes, 'nodes');
      return store.write(async (transaction) => {
        const id = await transaction.nextNumber('gateway');
        await refuseTakenName(transaction, name, id);
        await transaction.run('INSERT INTO gateways (id, name) VALUES ($1, $2)', [id, name]);
        await setNodes(transaction, id, ids);
        return findGateway(transaction, id);
      });
    },

    async change(id, { name, nodes }) {
      const ids = nodes && (await idsOf(nodes, 'nodes'));
      await store.write(async (transaction) => {
        const before = await findGateway(transaction, id);
        if (name !== undefined) {
          await refuseTakenName(transaction, name, id);
          await refusePublished(transaction, name, id);
          await transaction.run('UPDATE gateways SET name = $1 WHERE id = $2', [name, id]);
        }
        if (ids) {
          for (const node of before.nodes.filter((each) => !ids.includes(each)))
            await refuseUsed(transaction, id, node);
          await setNodes(transaction, id, ids);
        }
      });
      // The name of a gateway is part of the names of its groups.
      const failure = await publisher.refresh();
      return failure === undefined ? [] : [failure];
    },

    remove: (id) =>
      store.write(async (transaction) => {
        await findGateway(transaction, id);
        const group = await transaction.one(
          'SELECT name FROM gateway_groups WHERE gateway = $1 ORDER BY id LIMIT 1',
          [id],
        );
        if (group) {
          throw new Fault(
            'gateway_in_use',
            `The gateway has groups, such as '${String(group['name'])}'. Remove them first.`,
          );
        }
        await setNodes(transaction, id, []);
        await transaction.run('DELETE FROM gateways WHERE id = $1', [id]);
      }),

    async addNode(id, node) {
      const [added = 0] = await idsOf([node], 'node');
      await store.write(async (transaction) => {
        const { nodes } = await findGateway(transaction, id);
        if (!nodes.includes(added)) await setNodes(transaction, id, [...nodes, added]);
      });
      return added;
    },

    removeNode: (id, node) =>
      store.write(async (transaction) => {
        const { nodes } = await findGateway(transaction, id);
        if (!nodes.includes(node)) {
          throw new Fault('node_not_found', `The gateway ${id} has no node ${node}.`);
        }
        await refuseUsed(transaction, id, node);
        await setNodes(
          transaction,
          id,
          nodes.filter((each) => each !== node),
        );
      }),
  };
}

/** Faults: `gateway_not_found` */
export async function findGateway(reading: Reading, id: number): Promise<Gateway> {
  const row = await reading.one('SELECT id, name FROM gateways WHERE id = $1', [id]);
  if (row === undefined) {
    throw new Fault(
      'gateway_not_found',
      `There is no gateway ${id}. GET /admin-api/gateway lists the gateways; a POST there makes one.`,
    );
  }
  const nodes = await reading.all(
    'SELECT gateway, node FROM gateway_nodes WHERE gateway = $1 ORDER BY node',
    [id],
  );
  return gatewayOf(row, nodes);
}

/** The ids of the nodes of a gateway. Faults: `gateway_not_found` */
export async function nodesOfGateway(reading: Reading, id: number): Promise<readonly number[]> {
  return (await findGateway(reading, id)).nodes;
}

function gatewayOf(row: Row, nodes: readonly Row[]): Gateway {
  const id = Number(row['id']);
  const own = nodes.filter(({ gateway }) => Number(gateway) === id);
  return { id, name: String(row['name']), nodes: own.map(({ node }) => Number(node)) };
}

async function setNodes(
  transaction: Transaction,
  id: number,
  nodes: readonly number[],
): Promise<void> {
  await transaction.run('DELETE FROM gateway_nodes WHERE gateway = $1', [id]);
  for (const node of new Set(nodes)) {
    await transaction.run('INSERT INTO gateway_nodes (gateway, node) VALUES ($1, $2)', [id, node]);
  }
}

async function refuseTakenName(transaction: Transaction, name: string, id: number): Promise<void> {
  const other = await transaction.one('SELECT id FROM gateways WHERE name = $1 AND id <> $2', [
    name,
    id,
  ]);
  if (other) {
    throw new Fault(
      'name_taken',
      `The gateway ${Number(other['id'])} has the name '${name}'. Choose another name.`,
    );
  }
}

/** The name of a gateway is part of the names of its groups in DNS. Faults: `name_taken` */
async function refusePublished(transaction: Transaction, name: string, id: number): Promise<void> {
  const groups = await transaction.all(
    'SELECT id, name FROM gateway_groups WHERE gateway = $1 AND status = $2',
    [id, published],
  );
  for (const group of groups) {
    await refuseDnsName(
      transaction,
      { id: Number(group['id']), name: String(group['name']) },
      name,
    );
  }
}

async function refuseUsed(transaction: Transaction, gateway: number, node: number): Promise<void> {
  const [group] = await groupsOfNode(transaction, node, gateway);
  if (group === undefined) return;
  throw new Fault(
    'node_in_use',
    `The group '${group.name}' of this gateway uses the node ${node}. Take the node out of the group first.`,
  );
}

/** The groups that a node is in. @param gateway those of this gateway only */
export async function groupsOfNode(
  reading: Reading,
  node: number,
  gateway?: number,
): Promise<{ name: string; gateway: number }[]> {
  const rows = await reading.all(
    `SELECT DISTINCT g.id, g.name, g.gateway FROM gateway_groups g
     JOIN vrrp_instances i ON i.owner_family = 'gateway' AND i.owner_id = g.id
     JOIN vrrp_peers p ON p.instance = i.name
     WHERE p.node = $1 ORDER BY g.id`,
    [node],
  );
  return rows
    .map((row) => ({ name: String(row['name']), gateway: Number(row['gateway']) }))
    .filter((each) => gateway === undefined || each.gateway === gateway);
}
