import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import type { ControllerNode, NodeRegistry } from '../nodes/nodes.ts';
import type { Store, Transaction } from '../store/store.ts';
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

/** Carries the diffs out of a transaction that is to leave nothing behind. */
class OnlyTried extends Error {
  readonly diffs: readonly NodeDiff[];
  constructor(diffs: readonly NodeDiff[]) {
    super('This transaction was a trial.');
    this.diffs = diffs;
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
    try {
      await store.write(async (transaction) => {
        const before = planNodes(await listInstances(transaction), nodes);
        await work(transaction);
        const after = planNodes(await listInstances(transaction), nodes);
        throw new OnlyTried(nodes.flatMap((node) => diffOf(node, before, after, render)));
      });
    } catch (error) {
      if (error instanceof OnlyTried) return error.diffs;
      throw error;
    }
    return [];
  };
}

type Plan = ReadonlyMap<number, WantedKeepalived>;

function diffOf(node: ControllerNode, before: Plan, after: Plan, render: RenderNode): NodeDiff[] {
  const textIn = (plan: Plan) => render(node, plan.get(node.id) ?? { instances: [] });
  const diff = diffOfLines(textIn(before), textIn(after));
  return diff === '' ? [] : [{ node: node.id, name: node.name, diff }];
}
