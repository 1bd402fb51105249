import type {
  ControllerNode,
  NodeLinks,
  NodeRegistry,
  NodeUse,
} from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import type { VrrpWorker } from '../../controller/vrrp/worker.ts';
import type { Moves } from '../changes/moves.ts';
import type { BalancerConfig } from '../config.ts';
import type { BalancerDomain } from '../domain.ts';
import type { BalancerNode } from '../grounds.ts';
import type { Networks } from '../network/networks.ts';
import { notFound } from '../sentences.ts';
import type { Carriers } from './carriers.ts';

export interface NodesParts {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'isAnswering' | 'refusal' | 'word'>;
  worker: Pick<VrrpWorker, 'trouble'>;
  carriers: Pick<Carriers, 'trouble'>;
  networks: Networks;
  config: Pick<BalancerConfig, 'networks'>;
  moves: Pick<Moves, 'empty' | 'fill'>;
}

/** Nodes as carriers of load balancers. Faults: `balancer_object_not_found` */
export function makeNodes(parts: NodesParts): BalancerDomain['nodes'] {
  const { store, registry, links, worker, carriers, networks, config, moves } = parts;

  async function demand(id: number): Promise<ControllerNode> {
    const found = await registry.find(id);
    if (found === undefined) throw notFound('Node', id);
    return found;
  }

  async function list(): Promise<BalancerNode[]> {
    const [nodes, counts, draining] = await Promise.all([
      registry.list(),
      store.all('SELECT node, COUNT(*) AS count FROM balancer_placements GROUP BY node'),
      store.all('SELECT node FROM balancer_draining'),
    ]);
    return nodes.map((node) => {
      const { id, name } = node;
      const count = counts.find((row) => Number(row['node']) === id);
      const isReachable = links.isAnswering(id);
      const troubles = [
        links.refusal(id),
        worker.trouble(id)?.why,
        carriers.trouble(id),
        ...(links.word(id)?.report.troubles ?? []),
      ].filter((each) => each !== undefined);
      return {
        id,
        name,
        isReachable,
        isDraining: draining.some((row) => Number(row['node']) === id),
        balancers: Number(count?.['count'] ?? 0),
        networks: config.networks
          .filter((network) => networks.interfaceOn(network.id, node) !== undefined)
          .map((network) => network.id),
        troubles: [
          ...new Set(isReachable || troubles.length > 0 ? troubles : ['It does not answer.']),
        ],
      };
    });
  }

  async function shown(id: number): Promise<BalancerNode> {
    const found = (await list()).find((each) => each.id === id);
    if (found === undefined) throw notFound('Node', id);
    return found;
  }

  return {
    list,
    async drain(id) {
      await demand(id);
      await store.write((transaction) =>
        transaction.run(
          'INSERT INTO balancer_draining (node) VALUES ($1) ON CONFLICT (node) DO NOTHING',
          [id],
        ),
      );
      moves.empty(id);
      return shown(id);
    },
    async resume(id) {
      await demand(id);
      await store.write((transaction) =>
        transaction.run('DELETE FROM balancer_draining WHERE node = $1', [id]),
      );
      moves.fill();
      return shown(id);
    },
  };
}

/** A node is in use while a load balancer is placed on it. */
export const balancerNodeUse: NodeUse = {
  async uses(node, transaction) {
    const row = await transaction.one(
      'SELECT COUNT(*) AS count FROM balancer_placements WHERE node = $1',
      [node],
    );
    const count = Number(row?.['count']);
    if (count === 0) return [];
    return [
      `${count} load balancers are on it; 'hactl lb node drain ${node}' gives them to other nodes.`,
    ];
  },
};
