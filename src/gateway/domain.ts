import type { NodeLinks, NodeRegistry } from '../controller/nodes/nodes.ts';
import type { Store } from '../controller/store/store.ts';
import type { Segment } from '../controller/vrrp/segments.ts';
import type { RenderNode } from '../controller/vrrp/trial.ts';
import type { VrrpWorker } from '../controller/vrrp/worker.ts';
import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import { followOwnAddresses } from './dns/own-addresses.ts';
import { makePublisher } from './dns/publisher.ts';
import type { Resolver } from './dns/resolver.ts';
import { type Gateways, makeGateways } from './gateways.ts';
import { type GroupChanges, makeGroupChanges } from './groups/changes.ts';
import { makeViews, type Views } from './views.ts';

/** Keepalived groups: what the routes and `hactl` may do. */
export interface GatewayDomain {
  gateways: Gateways;
  groups: GroupChanges;
  views: Views;
  /**
   * Has a node run what the store says, although it runs something else since before a restore.
   * Faults: `node_refused`, `nodes_unreachable`, `store_unavailable`
   */
  adopt(node: number): Promise<void>;
  /** Publishes the names as the rows have them, which a crash may have prevented, and follows the addresses of nodes. */
  start(): Promise<void>;
  stop(): void;
}

export interface GatewayDomainParts {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  worker: VrrpWorker;
  resolver: Resolver;
  segments: readonly Segment[];
  render: RenderNode;
  log: Log;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** The clock of the words of nodes, in milliseconds. */
  now?: () => number;
}

export function makeGatewayDomain(parts: GatewayDomainParts): GatewayDomain {
  const publisher = makePublisher(parts);
  let unfollow: (() => void) | undefined;
  return {
    gateways: makeGateways({ ...parts, publisher }),
    groups: makeGroupChanges({ ...parts, publisher }),
    views: makeViews(parts),
    async adopt(node) {
      const [outcome] = await parts.worker.confirm(node);
      if (outcome === undefined || outcome.result === 'running') return;
      throw new Fault(
        faultCodes[outcome.result],
        `The node does not run what the store says: ${outcome.why ?? 'it does not say why.'}`,
      );
    },
    async start() {
      unfollow = followOwnAddresses({ ...parts, publisher });
      await publisher.refresh();
    },
    stop() {
      unfollow?.();
    },
  };
}

const faultCodes = {
  unreachable: 'nodes_unreachable',
  gone: 'nodes_unreachable',
  refused: 'node_refused',
  held: 'node_refused',
  incapable: 'node_refused',
  failed: 'store_unavailable',
} as const;
