import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import type { ControllerNode, NodeRegistry } from '../nodes/nodes.ts';
import type { Store } from '../store/store.ts';
import { makeKnownAddresses } from './known-addresses.ts';
import { planNodes } from './plan.ts';
import { listInstances } from './rows.ts';

/** The plan of all nodes, made once for all that ask between two changes. */
export interface Planner {
  /** What each node is to do. Faults: those of Store */
  plan(): Promise<ReadonlyMap<number, WantedKeepalived>>;
  /** Whether the node has other interfaces or addresses than in the latest plan. */
  isOutdated(node: number): Promise<boolean>;
  /** The next plan is made from rows that are read after this call. */
  forget(): void;
}

export function makePlanner(store: Store, registry: NodeRegistry): Planner {
  const known = makeKnownAddresses(store);
  let latest: Promise<ReadonlyMap<number, WantedKeepalived>> | undefined;
  /** The interfaces that the latest plan was made for, by the node. */
  let plannedFor = new Map<number, string>();
  async function make(): Promise<ReadonlyMap<number, WantedKeepalived>> {
    const [nodes, instances] = await Promise.all([registry.list(), listInstances(store)]);
    plannedFor = new Map(nodes.map((node) => [node.id, interfacesOf(node)]));
    return planNodes(instances, await known.complete(nodes, instances));
  }
  return {
    plan() {
      if (latest === undefined) {
        const made = make();
        latest = made;
        made.catch(() => {
          if (latest === made) latest = undefined;
        });
      }
      return latest;
    },
    async isOutdated(id) {
      const node = await registry.find(id);
      return node !== undefined && plannedFor.get(id) !== interfacesOf(node);
    },
    forget() {
      latest = undefined;
    },
  };
}

function interfacesOf({ interfaces }: ControllerNode): string {
  return JSON.stringify(interfaces);
}
