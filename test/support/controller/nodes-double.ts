import { createHash } from 'node:crypto';

import type {
  ControllerNode,
  NodeInterface,
  NodeLinks,
  NodeRegistry,
} from '../../../src/controller/nodes/nodes.ts';
import type { KeepalivedReport, Orders, ReportedInstance } from '../../../src/keepalived/report.ts';
import type { WantedKeepalived } from '../../../src/keepalived/wanted.ts';
import { Fault } from '../../../src/kit/fault.ts';

/** A node that does what it is ordered, or what the test says. */
export interface ScriptedNode {
  node: ControllerNode;
  isReachable: boolean;
  /** Whether its agent answers, but takes no orders for keepalived. */
  isIncapable: boolean;
  refusal: string | undefined;
  /** What it was ordered, in order. */
  orders: { orders: Orders; wanted: WantedKeepalived; at: number }[];
  report: KeepalivedReport | undefined;
  receivedAt: number;
  /** Runs before an order is carried out; a fault refuses it. */
  onOrder: (wanted: WantedKeepalived) => void | Promise<void>;
}

export interface NodesDouble {
  registry: NodeRegistry;
  links: NodeLinks;
  /** @throws {Error} if there is no such node */
  of: (id: number) => ScriptedNode;
  add: (name: string, interfaces: readonly NodeInterface[]) => ScriptedNode;
  remove: (id: number) => void;
  /** Has a node report. */
  say: (id: number, report?: Partial<KeepalivedReport>, receivedAt?: number) => void;
  /** Has a node report these states of all that it was last ordered, with the addresses of a MASTER. */
  sayStates: (id: number, state: ReportedInstance['state'], receivedAt?: number) => void;
}

export function nodesDouble(): NodesDouble {
  const nodes = new Map<number, ScriptedNode>();
  const listeners = new Set<(node: number) => void>();
  let lastId = 0;

  function of(id: number): ScriptedNode {
    const found = nodes.get(id);
    if (found === undefined) throw new Error(`there is no node ${id}`);
    return found;
  }

  const isReachable = (id: number): boolean => nodes.get(id)?.isReachable ?? false;

  const double: NodesDouble = {
    of,
    registry: {
      list: () => Promise.resolve([...nodes.values()].map(({ node }) => node)),
      find: (id) => Promise.resolve(nodes.get(id)?.node),
    },
    links: {
      word(id) {
        const { report, receivedAt } = nodes.get(id) ?? {};
        return report && receivedAt !== undefined ? { report, receivedAt } : undefined;
      },
      isReachable: (id) => isReachable(id) && !of(id).isIncapable,
      refusal: (id) => nodes.get(id)?.refusal,
      async order(id, orders, wanted) {
        const scripted = of(id);
        if (!scripted.isReachable)
          throw new Fault('node_unreachable', `${scripted.node.name} does not answer.`);
        scripted.orders.push({ orders, wanted, at: performance.now() });
        await scripted.onOrder(wanted);
        const former = scripted.report?.instances ?? [];
        double.say(id, {
          running: orders,
          instances: wanted.instances.map(
            ({ name }) =>
              former.find((each) => each.name === name) ?? {
                name,
                state: 'BACKUP',
                since: null,
                effectivePriority: null,
                addresses: [],
              },
          ),
        });
      },
      request: (id) => Promise.reject(new Error(`node ${id} answers no requests`)),
      isAnswering: isReachable,
      hasNodePart: (id) => nodes.has(id) && !of(id).isIncapable,
      onWord(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    add(name, interfaces) {
      lastId += 1;
      const scripted: ScriptedNode = {
        node: { id: lastId, name, host: `192.0.2.${lastId}`, port: 9443, interfaces },
        isReachable: true,
        isIncapable: false,
        refusal: undefined,
        orders: [],
        report: emptyReport,
        receivedAt: performance.now(),
        onOrder: () => undefined,
      };
      nodes.set(lastId, scripted);
      return scripted;
    },
    remove: (id) => nodes.delete(id),
    say(id, report = {}, receivedAt = performance.now()) {
      const scripted = of(id);
      scripted.report = { ...(scripted.report ?? emptyReport), ...report };
      scripted.receivedAt = receivedAt;
      for (const listener of listeners) listener(id);
    },
    sayStates(id, state, receivedAt) {
      const instances = of(id).orders.at(-1)?.wanted.instances ?? [];
      double.say(
        id,
        {
          instances: instances.map(({ name, addresses }) => ({
            name,
            state,
            since: null,
            effectivePriority: null,
            addresses: state === 'MASTER' ? addresses : [],
          })),
        },
        receivedAt,
      );
    },
  };
  return double;
}

const emptyReport: KeepalivedReport = {
  sequence: 1,
  boot: 'b1',
  running: null,
  version: '2.2.7',
  isAnswering: true,
  instances: [],
  otherRouters: [],
  troubles: [],
};

/** The digest of a configuration, in the order of its keys. */
export function digestOfWanted(wanted: WantedKeepalived): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
}

/** Renders a node's file in short. */
export function renderShortly({ name }: ControllerNode, { instances }: WantedKeepalived): string {
  return [
    `router_id ${name}`,
    ...instances.flatMap((each) => [
      `vrrp_instance ${each.name} {`,
      `  priority ${each.priority}`,
      `  virtual_router_id ${each.routerId}`,
      `  virtual_ipaddress ${each.addresses.join(' ')}`,
      '}',
    ]),
    '',
  ].join('\n');
}
