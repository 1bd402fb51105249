import type { NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { sourceOf } from '../../controller/vrrp/plan.ts';
import type { NodeOutcome, VrrpWorker } from '../../controller/vrrp/worker.ts';
import { parseIp } from '../../kit/ip.ts';
import type { Deployer, Fencing, NodeDeployed, WantedBalancer } from '../deploying.ts';
import type { Networks } from '../network/networks.ts';
import { openTurns, planOf, refsIn, type Turns } from '../plan.ts';
import { dueOf } from '../placing/placements.ts';
import type { Placer } from '../placing/placing.ts';
import { type BalancerRows, readTree } from '../rows/find.ts';
import type { Secrets } from '../secrets/secrets.ts';
import {
  endAttempt,
  endDeletion,
  endFailedDeletion,
  type Job,
  notePlacements,
  type Outcome,
} from './ends.ts';

export interface AttemptParts {
  store: Store;
  registry: NodeRegistry;
  networks: Networks;
  secrets: Secrets;
  placer: Placer;
  deployer: Deployer;
  worker: Pick<VrrpWorker, 'apply'>;
  /** The id of a node's amphora. */
  amphoraOf: (node: number) => string | undefined;
  /** Milliseconds since 1970. */
  clock: () => number;
}

/** Makes a plan of a load balancer as its rows are now. Faults: those of Store */
export async function planNow(
  parts: Pick<AttemptParts, 'store' | 'registry' | 'networks' | 'secrets' | 'amphoraOf'>,
  rows: BalancerRows,
  turns: Turns,
): Promise<{ wanted: WantedBalancer; missing: string[] }> {
  const refs = refsIn(rows, turns);
  const [certificates, nodes] = await Promise.all([
    refs.size === 0 ? new Map<string, never>() : parts.secrets.read(parts.store, refs),
    parts.registry.list(),
  ]);
  const vip = String(rows.balancer['vip_address']);
  const network = String(rows.balancer['vip_network']);
  const isIpv4 = parseIp(vip)?.version !== 6;
  const addresses = new Map(
    nodes.map((node) => {
      const device = parts.networks.interfaceOn(network, node) ?? '';
      const near = { family: isIpv4 ? ('ipv4' as const) : ('ipv6' as const), addresses: [vip] };
      return [node.id, sourceOf(node, device, near) ?? node.host];
    }),
  );
  const missing = [...refs].filter((ref) => !certificates.has(ref));
  const { amphoraOf } = parts;
  return { wanted: planOf(rows, { turns, certificates, addresses, amphoraOf }), missing };
}

/**
 * Tries once to bring a load balancer to what its rows say, and writes down what it came to.
 * @returns false if it was aborted, so that nothing was written. Faults: those of Store
 */
export async function attempt(
  parts: AttemptParts,
  job: Job,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, clock } = parts;
  const rows = await readSteady(store, job.balancer);
  if (rows === undefined) return true;
  if (rows.balancer['fate'] === 'delete') return attemptDeletion(parts, job, rows, signal);
  const ready = await placed(parts, rows);
  const open = openTurns(ready);
  // A change does not wait for what has failed before it.
  const first = job.changeTurn === undefined ? open : [job.changeTurn];
  let outcome = await tryTurns(parts, ready, first, {
    signal,
    isFirst: job.changeTurn !== undefined,
  });
  if (outcome === undefined) return false;
  if (outcome.why !== undefined && job.changeTurn === undefined && open.length > 1) {
    // One of them may keep the others from succeeding.
    for (const turn of open) {
      const single = await tryTurns(parts, ready, [turn], { signal, isFirst: false });
      if (single === undefined) return false;
      if (single.why === undefined) {
        outcome = single;
        break;
      }
    }
  }
  const former = await restored(parts, ready, outcome, signal);
  const ended = outcome;
  await store.write(async (transaction) => {
    if (former) await notePlacements(transaction, job.balancer, former.nodes, former.fence);
    await endAttempt(transaction, job, ended, clock());
  });
  return true;
}

/** Puts nodes back that run what others refuse. */
async function restored(
  parts: AttemptParts,
  rows: BalancerRows,
  { why, nodes }: Outcome,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  if (why === undefined || !nodes.some(({ result }) => result === 'running')) return undefined;
  // A load balancer that never ran has no former state.
  if (rows.balancer['fate'] === 'create') return undefined;
  return tryTurns(parts, rows, [], { signal, isFirst: false });
}

/** Reads rows that belong together, although changes may be made meanwhile. */
async function readSteady(store: Store, balancer: string): Promise<BalancerRows | undefined> {
  for (;;) {
    const rows = await readTree(store, balancer);
    const again = await store.one('SELECT fence FROM balancer_load_balancers WHERE id = $1', [
      balancer,
    ]);
    if (rows === undefined || again?.['fence'] === rows.balancer['fence']) return rows;
  }
}

/** The rows with placements, if there is a node for them. */
async function placed(parts: AttemptParts, rows: BalancerRows): Promise<BalancerRows> {
  if (rows.placements.length > 0) return rows;
  const id = String(rows.balancer['id']);
  const ground = await parts.placer.ground();
  await parts.store.write((transaction) =>
    parts.placer.place(transaction, ground, id, parts.clock()),
  );
  return (await readTree(parts.store, id)) ?? rows;
}

async function tryTurns(
  parts: AttemptParts,
  rows: BalancerRows,
  turns: readonly number[],
  { signal, isFirst }: { signal: AbortSignal; isFirst: boolean },
): Promise<Outcome | undefined> {
  const id = String(rows.balancer['id']);
  const fence = isFirst ? Number(rows.balancer['fence']) : await nextFence(parts.store, id);
  const failed = (why: string): Outcome => ({ turns, why, nodes: [], fence });
  const { wanted, missing } = await planNow(parts, rows, new Set(turns));
  if (rows.placements.length === 0)
    return failed(
      `No node has an interface in the network ${String(rows.balancer['vip_network'])}. 'hactl lb node list' shows the nodes with their networks.`,
    );
  if (missing.length > 0) return failed(`Could not retrieve certificate: ${missing.join(', ')}`);
  const gone = rows.placements
    .map((row) => Number(row['node']))
    .filter((node) => !wanted.nodes.some((each) => each.id === node));
  const due = dueOf(rows.balancer);
  const [nodes, outcomes] = await Promise.all([
    parts.deployer.deploy(wanted, fencingOf(parts.store, fence), signal),
    due.length === 0 ? [] : parts.worker.apply(due),
  ]);
  if (signal.aborted) return undefined;
  const all = [...withVips(nodes, outcomes), ...gone.map(unregistered)];
  return { turns, why: whyNot(all), nodes: all, fence };
}

function fencingOf({ identity }: Store, revision: number): Fencing {
  return { store: identity.id, epoch: identity.epoch, revision };
}

/** Another attempt may have another content, so it has a number of its own. */
async function nextFence(store: Store, balancer: string): Promise<number> {
  return store.write(async (transaction) => {
    await transaction.run('UPDATE balancer_load_balancers SET fence = fence + 1 WHERE id = $1', [
      balancer,
    ]);
    const row = await transaction.one('SELECT fence FROM balancer_load_balancers WHERE id = $1', [
      balancer,
    ]);
    return Number(row?.['fence']);
  });
}

function unregistered(node: number): NodeDeployed {
  const why = `Node ${node} is not registered any more. 'hactl lb node drain ${node}' gives its load balancers to other nodes.`;
  return { node, result: 'unreachable', why, digest: undefined };
}

/** A node has its part when haproxy and keepalived have it. */
function withVips(
  nodes: readonly NodeDeployed[],
  outcomes: readonly NodeOutcome[],
): NodeDeployed[] {
  return nodes.map((each) => {
    const vrrp = outcomes.find(({ node }) => node === each.node);
    if (each.result !== 'running' || vrrp === undefined) return each;
    // Whoever runs an agent without keepalived, such as Octavia's, sets the address there.
    if (vrrp.result === 'running' || vrrp.result === 'incapable') return each;
    const result =
      vrrp.result === 'unreachable' || vrrp.result === 'gone' ? 'unreachable' : 'refused';
    return { ...each, result, why: vrrp.why };
  });
}

/** One node is enough, unless another one refuses. */
function whyNot(nodes: readonly NodeDeployed[]): string | undefined {
  const refusing = nodes.find(({ result }) => result === 'refused');
  if (refusing) return refusing.why ?? `Node ${refusing.node} refuses it.`;
  if (nodes.some(({ result }) => result === 'running')) return undefined;
  const [away] = nodes;
  return away?.why ?? 'No node of the load balancer answers.';
}

async function attemptDeletion(
  parts: AttemptParts,
  job: Job,
  rows: BalancerRows,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, placer, clock, registry } = parts;
  const { balancer } = job;
  const ground = await placer.ground();
  const due = await store.write(async (transaction) => {
    await placer.dropVip(transaction, ground, balancer, clock());
    return dueOf(
      await transaction.one('SELECT vrrp_due FROM balancer_load_balancers WHERE id = $1', [
        balancer,
      ]),
    );
  });
  const known = new Set((await registry.list()).map(({ id }) => id));
  const nodes = rows.placements.map(({ node }) => Number(node)).filter((node) => known.has(node));
  const fencing = fencingOf(store, await nextFence(store, balancer));
  const [results, outcomes] = await Promise.all([
    nodes.length === 0 ? [] : parts.deployer.withdraw(balancer, nodes, signal, fencing),
    due.length === 0 ? [] : parts.worker.apply(due),
  ]);
  if (signal.aborted) return false;
  const why = nodes.length === 0 ? undefined : whyNot(withVips(results, outcomes));
  await store.write((transaction) =>
    why === undefined
      ? endDeletion(transaction, balancer, results, clock())
      : endFailedDeletion(transaction, job, why, clock()),
  );
  return true;
}
