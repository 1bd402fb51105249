import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Row, Store } from '../../controller/store/store.ts';
import type { Deployer, KnownBalancer } from '../deploying.ts';
import type { BalancerDomain, BalancerStatus, NodeState } from '../domain.ts';
import { planNow } from '../jobs/attempt.ts';
import { readJob } from '../jobs/ends.ts';
import type { Networks } from '../network/networks.ts';
import { masterOf } from '../placing/masters.ts';
import { openTurns } from '../plan.ts';
import { type BalancerRows, findBalancer, readTree } from '../rows/find.ts';
import { treesOf } from '../rows/trees.ts';
import { notFound } from '../sentences.ts';
import type { Secrets } from '../secrets/secrets.ts';

export interface StatusParts {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'word' | 'isAnswering'>;
  networks: Networks;
  secrets: Secrets;
  deployer: Deployer;
  amphoraOf: (node: number) => string | undefined;
  /** Milliseconds since 1970. */
  clock: () => number;
  heardAt?: (node: number, balancer: string) => number | undefined;
  /** Why its nodes are not heard of, one sentence for each. `placedAt` is a time of `performance.now()`. */
  unheard?: (balancer: Pick<KnownBalancer, 'nodes' | 'placedAt'>) => readonly string[];
}

/** What is known of one load balancer on all of its nodes. */
export function makeStatus(parts: StatusParts): BalancerDomain['loadBalancers']['status'] {
  const { store, registry, links, deployer, clock, heardAt = () => undefined } = parts;

  async function stateOn(
    placement: Row,
    {
      names,
      master,
      wanted,
      id,
    }: {
      names: ReadonlyMap<number, string>;
      master: number | undefined;
      wanted: (node: number) => string | null;
      id: string;
    },
  ): Promise<NodeState> {
    const node = Number(placement['node']);
    const heard = heardAt(node, id);
    const asked = await deployer.runningOn(node).then(
      (running) => ({ running: running.get(id) ?? null, error: null }),
      (error: unknown) => ({ running: null, error: (error as Error).message }),
    );
    const why = placement['why'] ?? null;
    return {
      node,
      name: names.get(node) ?? `${node}`,
      isMaster: master === node,
      isReachable: links.isAnswering(node),
      wanted: wanted(node),
      running: asked.running,
      heardSecondsAgo: heard === undefined ? null : Math.round((performance.now() - heard) / 1000),
      error: why === null ? asked.error : String(why),
    };
  }

  function unheardOf({ placements }: BalancerRows): readonly string[] {
    if (placements.length === 0) return [];
    const placedMs = Math.max(...placements.map((row) => Number(row['placed_ms'])));
    const nodes = placements
      .map((row) => Number(row['node']))
      .filter((node) => links.isAnswering(node));
    return parts.unheard?.({ nodes, placedAt: performance.now() - (clock() - placedMs) }) ?? [];
  }

  return async (scope, id) => {
    const found = await findBalancer(store, scope, id, clock());
    const balancer = String(found['id']);
    const [rows, job, nodes, master] = await Promise.all([
      readTree(store, balancer),
      readJob(store, balancer),
      registry.list(),
      masterOf(store, links, balancer),
    ]);
    if (rows === undefined) throw notFound('load_balancer', id);
    const { wanted } = await planNow(parts, rows, new Set(openTurns(rows)));
    const names = new Map(nodes.map((node) => [node.id, node.name]));
    const states = await Promise.all(
      rows.placements.map((each) =>
        stateOn(each, {
          names,
          master,
          id: balancer,
          wanted: (node) =>
            wanted.nodes.some((known) => known.id === node)
              ? deployer.digestFor(wanted, node)
              : null,
        }),
      ),
    );
    const trees = treesOf(rows);
    const isOver = rows.balancer['provisioning'] === 'DELETED';
    return {
      tree: trees.whole(),
      otherPools: trees.otherPools(),
      nodes: states,
      troubles: isOver ? [] : [...troublesOf(rows, states, job?.why), ...unheardOf(rows)],
      lastError: job?.why ?? null,
      nextTryAt: job?.nextTryMs === undefined ? null : new Date(job.nextTryMs).toISOString(),
      attempts: job?.attempts ?? 0,
    } satisfies BalancerStatus;
  };
}

function troublesOf(
  rows: BalancerRows,
  states: readonly NodeState[],
  why: string | undefined,
): string[] {
  const found = [
    ...(why === undefined ? [] : [why]),
    ...(states.length === 0 ? ['It is on no node.'] : []),
    ...(states.length === 1
      ? ['It is on one node only, so its VIP goes when that node goes.']
      : []),
    ...states.flatMap(({ name, error }) => (error === null ? [] : [`${name}: ${error}`])),
    ...states
      .filter(({ isReachable, error }) => !isReachable && error === null)
      .map(({ name }) => `${name} does not answer.`),
    ...(rows.balancer['pair'] !== null &&
    states.length > 0 &&
    !states.some(({ isMaster }) => isMaster)
      ? ['No node says that it has the VIP.']
      : []),
  ];
  return [...new Set(found)];
}
