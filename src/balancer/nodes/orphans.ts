import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import type { Deployer } from '../deploying.ts';
import type { BalancerDomain } from '../domain.ts';
import type { Orphan } from '../grounds.ts';
import { notFound, taken } from '../sentences.ts';

const removeMs = 30_000;

/** What nodes run that the store does not have there. It is removed only if somebody says so. */
export function makeOrphans({
  store,
  registry,
  links,
  deployer,
}: {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'isAnswering'>;
  deployer: Deployer;
}): BalancerDomain['orphans'] {
  /** What is known to be on a node, or about to leave it. */
  async function expectedOn(node: number): Promise<Set<string>> {
    const rows = await store.all(
      `SELECT load_balancer FROM balancer_placements WHERE node = $1
       UNION SELECT load_balancer FROM balancer_leavings WHERE node = $1`,
      [node],
    );
    return new Set(rows.map((row) => String(row['load_balancer'])));
  }

  return {
    async list() {
      const nodes = (await registry.list()).filter(({ id }) => links.isAnswering(id));
      const found = await Promise.all(
        nodes.map(async ({ id: node, name }): Promise<Orphan[]> => {
          // A node that does not answer is listed as such among the nodes.
          const running = await deployer.runningOn(node).catch(() => new Map<string, string>());
          const expected = await expectedOn(node);
          return [...running.keys()]
            .filter((id) => !expected.has(id))
            .map((id) => ({ node, name, id }));
        }),
      );
      return found.flat();
    },
    async remove(node, id) {
      if ((await registry.find(node)) === undefined) throw notFound('Node', node);
      if ((await expectedOn(node)).has(id))
        throw taken(`Load Balancer ${id} is placed on node ${node}, so it is no orphan there.`);
      const [outcome] = await deployer.withdraw(id, [node], AbortSignal.timeout(removeMs));
      if (outcome?.result === 'running') return;
      throw taken(
        `Load Balancer ${id} is still on node ${node}: ${outcome?.why ?? 'it does not answer.'}`,
      );
    },
  };
}
