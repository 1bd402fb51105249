import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import type { ControllerNode, NodeRegistry } from '../nodes/nodes.ts';
import type { Store, Transaction } from '../store/store.ts';
import type { VrrpInstance } from './instances.ts';
import { completeNodes, readRemembered, type Remembered } from './known-addresses.ts';
import { diffOfLines } from './line-diff.ts';
import { planNodes } from './plan.ts';
import { listInstances } from './rows.ts';

/** What a change would do to the file of one node. */
export interface NodeDiff {
  node: number;
  name: string;
  /** As `diff -u` prints it. */
  diff: string;
}

/** Renders the file of a node, as the node itself does. */
export type RenderNode = (node: ControllerNode, wanted: WantedKeepalived) => string;

/** The rows before and after a change. */
interface Attempted {
  before: readonly VrrpInstance[];
  after: readonly VrrpInstance[];
  remembered: Remembered;
}

/** Carries the rows out of a transaction that is to leave nothing behind. */
class OnlyTried extends Error {
  readonly attempted: Attempted;
  constructor(attempted: Attempted) {
    super('This transaction was a trial.');
    this.attempted = attempted;
  }
}

/**
 * Makes a function that tries a change of rows, with all of its checks, and takes it back.
 * @returns what would become of the file of each node; a node whose file stays the same is left out
 * Faults: those of the work
 */
export function makeTrial(
  store: Pick<Store, 'write'>,
  registry: NodeRegistry,
  render: RenderNode,
): (work: (transaction: Transaction) => Promise<unknown>) => Promise<readonly NodeDiff[]> {
  return async (work) => {
    const nodes = await registry.list();
    const { before, after, remembered } = await rowsOf(store, work);
    // All transactions wait for one that is open, so the files are made after it.
    const planFor = (instances: readonly VrrpInstance[]) =>
      planNodes(instances, completeNodes(nodes, instances, remembered).completed);
    const [former, next] = [planFor(before), planFor(after)];
    return nodes.flatMap((node) => diffOf(node, former, next, render));
  };
}

async function rowsOf(
  store: Pick<Store, 'write'>,
  work: (transaction: Transaction) => Promise<unknown>,
): Promise<Attempted> {
  try {
    return await store.write(async (transaction) => {
      const before = await listInstances(transaction);
      const remembered = await readRemembered(transaction);
      await work(transaction);
      throw new OnlyTried({ before, after: await listInstances(transaction), remembered });
    });
  } catch (error) {
    if (error instanceof OnlyTried) return error.attempted;
    throw error;
  }
}

type Plan = ReadonlyMap<number, WantedKeepalived>;

function diffOf(node: ControllerNode, before: Plan, after: Plan, render: RenderNode): NodeDiff[] {
  const textIn = (plan: Plan) => render(node, plan.get(node.id) ?? { instances: [] });
  const diff = diffOfLines(textIn(before), textIn(after));
  return diff === '' ? [] : [{ node: node.id, name: node.name, diff }];
}
