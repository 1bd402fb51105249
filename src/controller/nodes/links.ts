import { Fault } from '../../kit/fault.ts';
import { type LinkParts, type NodeLink, openLink } from './link.ts';
import { usualTimes } from './link-times.ts';
import type { NodeLinks } from './nodes.ts';
import { isContradicted } from './contradiction.ts';

/** The links with what starts and ends them. */
export interface OwnLinks extends NodeLinks {
  /** Opens links to nodes that have joined, and ends those to nodes that were removed. */
  refresh(): Promise<void>;
  /** Why the last request to a node was not answered; undefined if it was. */
  failure(node: number): string | undefined;
  /** Connects to all nodes again, with the present certificate of the controller. */
  reconnect(): void;
  /** Has a node stop keepalived and forget this controller. Faults: `node_unreachable`, `node_refused` */
  leave(node: number): Promise<void>;
  stop(): Promise<void>;
}

/** No link is open before the first `refresh`. */
export function makeNodeLinks({
  times = usualTimes,
  ...parts
}: Omit<LinkParts, 'times'> & Partial<Pick<LinkParts, 'times'>>): OwnLinks {
  const links = new Map<number, NodeLink>();
  const listeners = new Set<(node: number) => void>();
  const state = { isStopped: false };

  const notify = (node: number) => {
    for (const listener of listeners) listener(node);
    const said = links.get(node)?.word();
    for (const other of links.values()) {
      if (isContradicted(other.word(), said)) other.confirm();
    }
  };
  const demand = (node: number): NodeLink => {
    const link = links.get(node);
    if (link) return link;
    throw new Fault(
      'node_unreachable',
      `There is no connection to node ${node}: it was removed, or the controller is stopping.`,
    );
  };

  return {
    word: (node) => links.get(node)?.word(),
    isReachable: (node) => links.get(node)?.isReachable() ?? false,
    refusal: (node) => links.get(node)?.refusal(),
    failure: (node) => links.get(node)?.failure(),
    order: async (node, orders, wanted) => demand(node).order(orders, wanted),
    request: async (node, request, deadlineMs, signal) =>
      demand(node).request(request, deadlineMs, signal),
    isAnswering: (node) => links.get(node)?.isAnswering() ?? false,
    hasNodePart: (node) => links.get(node)?.hasNodePart(),
    leave: async (node) => demand(node).leave(),
    onWord(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    async refresh() {
      const nodes = await parts.registrations.all();
      if (state.isStopped) return;
      for (const node of nodes) {
        if (links.has(node.id)) continue;
        const link = openLink({ ...parts, times }, node, () => {
          notify(node.id);
        });
        links.set(node.id, link);
      }
      const present = new Set(nodes.map(({ id }) => id));
      for (const [id, link] of links) {
        if (present.has(id)) continue;
        links.delete(id);
        await link.stop();
        notify(id);
      }
    },
    reconnect() {
      for (const link of links.values()) link.reconnect();
    },
    async stop() {
      state.isStopped = true;
      const open = [...links.values()];
      links.clear();
      await Promise.all(open.map((link) => link.stop()));
    },
  };
}
