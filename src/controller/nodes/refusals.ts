import type { StoreIdentity } from '../store/store.ts';
import type { NodeFacts } from './answers.ts';
import { NodeRefused } from './client.ts';

/** Whether a node refused an order because of the store that it came from. */
export function isAboutStore(error: unknown): error is NodeRefused {
  return (
    error instanceof NodeRefused &&
    ['node_orders_foreign', 'node_orders_stale'].includes(error.reason)
  );
}

/** Whether an agent has no routes for nodes, such as that of Octavia. The routes of our agent give a reason with each refusal. */
export function lacksNodePart(error: unknown): boolean {
  return error instanceof NodeRefused && error.status === 404 && error.reason === '';
}

/** Why a node takes no orders from this store, in one sentence; undefined if it does. */
export function refusalOf(
  { adopted }: NodeFacts,
  name: string,
  { id, epoch }: StoreIdentity,
): string | undefined {
  if (adopted === null) return undefined;
  if (adopted.store !== id) {
    return `Node '${name}' runs the orders of another store (${adopted.store}). If this controller has taken its place for good, run 'hactl node adopt' on that node.`;
  }
  if (adopted.epoch <= epoch) return undefined;
  return `Node '${name}' runs orders of epoch ${adopted.epoch}, and this store is of epoch ${epoch}, so it is a former copy. Use the present store, or raise the epoch of this one with 'hactl controller restore'.`;
}
