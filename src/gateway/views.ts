import type { ControllerNode, NodeLinks, NodeRegistry } from '../controller/nodes/nodes.ts';
import type { Store } from '../controller/store/store.ts';
import type { VrrpInstance } from '../controller/vrrp/instances.ts';
import { instancesOf, listInstances } from '../controller/vrrp/rows.ts';
import type { VrrpWorker } from '../controller/vrrp/worker.ts';
import { Fault } from '../kit/fault.ts';
import { family, type GroupView } from './gateway.ts';
import { findGateway } from './gateways.ts';
import { findGroup, type GroupQuery, listGroups } from './groups/rows.ts';
import { type Knowledge, maxAgeMs, viewOf } from './truth.ts';

/** A node of a gateway with what is known of it. */
export interface NodeView extends ControllerNode {
  isReachable: boolean;
  /** What is wrong with it, the worst first; empty if nothing is known. */
  troubles: readonly string[];
}

/** Reads groups and nodes with what their nodes say. Faults: `gateway_not_found`, `group_not_found`, `node_not_found` */
export interface Views {
  groups(gateway: number, query: GroupQuery): Promise<{ groups: GroupView[]; count: number }>;
  group(gateway: number, id: number): Promise<GroupView>;
  nodes(gateway: number): Promise<NodeView[]>;
  node(gateway: number, id: number): Promise<NodeView>;
}

export function makeViews({
  store,
  registry,
  links,
  worker,
  now = () => performance.now(),
}: {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  worker: Pick<VrrpWorker, 'trouble' | 'orders'>;
  /** The clock of the words of nodes. */
  now?: () => number;
}): Views {
  async function knowledge(): Promise<Knowledge> {
    const [nodes, orders] = await Promise.all([registry.list(), worker.orders()]);
    return {
      nodes: new Map(nodes.map((node) => [node.id, node])),
      links,
      trouble: (node) => worker.trouble(node),
      orders,
      now: now(),
    };
  }

  function nodeView(node: ControllerNode): NodeView {
    const word = links.word(node.id);
    const said = [links.refusal(node.id), worker.trouble(node.id)?.why].filter(
      (each) => each !== undefined,
    );
    const isReachable = links.isReachable(node.id);
    const isSilent = word === undefined || now() - word.receivedAt > maxAgeMs;
    const troubles = [
      ...said,
      ...(!isReachable && said.length === 0 ? ['It does not answer.'] : []),
      ...(isSilent && isReachable ? ['It has not reported for 15 s.'] : []),
      ...(word && !isSilent && !word.report.isAnswering && word.report.running !== null
        ? ['Its keepalived does not answer.']
        : []),
      ...(word?.report.troubles ?? []),
    ];
    return { ...node, isReachable, troubles: [...new Set(troubles)] };
  }

  async function nodes(gateway: number): Promise<NodeView[]> {
    const { nodes: ids } = await findGateway(store, gateway);
    const known = await registry.list();
    return known.filter(({ id }) => ids.includes(id)).map(nodeView);
  }

  return {
    async groups(gateway, query) {
      await findGateway(store, gateway);
      const { groups, count } = await listGroups(store, gateway, query);
      const [known, instances] = await Promise.all([knowledge(), listInstances(store)]);
      const byGroup = new Map<number, VrrpInstance[]>();
      for (const each of instances) {
        if (each.owner.family !== family) continue;
        byGroup.set(each.owner.id, [...(byGroup.get(each.owner.id) ?? []), each]);
      }
      return {
        groups: groups.map((each) => viewOf(each, byGroup.get(each.id) ?? [], known)),
        count,
      };
    },

    async group(gateway, id) {
      await findGateway(store, gateway);
      const group = await findGroup(store, gateway, id);
      const instances = await instancesOf(store, { family, id });
      return viewOf(group, instances, await knowledge());
    },

    nodes,

    async node(gateway, id) {
      const found = (await nodes(gateway)).find((each) => each.id === id);
      if (found) return found;
      throw new Fault('node_not_found', `The gateway ${gateway} has no node ${id}.`);
    },
  };
}
