import type { RequestHandler } from 'express';

import type { RepeatedAnswers } from '../../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../../changes/pipeline.ts';
import type { NodeLinks, NodeRegistry, NodeUse } from '../../../controller/nodes/nodes.ts';
import type { Migration, Store } from '../../../controller/store/store.ts';
import { vrrpMigrations } from '../../../controller/vrrp/tables.ts';
import type { QueueTimes } from '../../../controller/vrrp/node-queue.ts';
import type { Segment } from '../../../controller/vrrp/segments.ts';
import type { RenderNode } from '../../../controller/vrrp/trial.ts';
import { makeVrrpWorker, type VrrpWorker } from '../../../controller/vrrp/worker.ts';
import type { GatewayConfig } from '../../../gateway/config.ts';
import { makeFileResolver } from '../../../gateway/dns/file.ts';
import { noResolver } from '../../../gateway/dns/noop.ts';
import { type GatewayDomain, makeGatewayDomain } from '../../../gateway/domain.ts';
import { gatewayNodeUse } from '../../../gateway/node-use.ts';
import { gatewayMigrations } from '../../../gateway/tables.ts';
import type { WantedKeepalived } from '../../../keepalived/wanted.ts';
import type { Log } from '../../../kit/log.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import type { Answer } from '../../../routes/common/stored-answer.ts';
import { gatewayFamily } from '../../../routes/gateway/index.ts';
import type { Family } from '../../../server/table/family.ts';

export interface GatewayWiring {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  /** Renders the file of a node, as the node does. Dry runs show it. */
  render: RenderNode;
  /** The digest that a node computes of what it is ordered. */
  digestOf: (wanted: WantedKeepalived) => string;
  /** The keys `segments` and `dns` of the controller's configuration. */
  config: GatewayConfig & { segments: readonly Segment[] };
  changes: Pick<ChangePipeline, 'make'>;
  repeatedAnswers: RepeatedAnswers<Answer>;
  secrets?: KnownSecrets;
  log: Log;
  times?: QueueTimes;
}

/** Keepalived groups, without a listener. */
export interface GatewayService {
  /** The routes for one listener. @param signIn identifies the caller and refuses unknown ones */
  family: (signIn: readonly RequestHandler[]) => Family;
  domain: GatewayDomain;
  /** Other families apply their rows by the same worker. */
  worker: VrrpWorker;
  nodeUse: NodeUse;
  /** Why a node that answers does not run its part, in one sentence; undefined if it does. */
  trouble: (node: number) => string | undefined;
  /** Call it after a node has joined, has other interfaces or addresses, or was removed. */
  onNodes: () => Promise<void>;
  start: () => Promise<void>;
  stop: () => void;
}

/** The tables that must be in the store before this family is made, in order. */
export const gatewayTables: readonly Migration[] = [...vrrpMigrations, ...gatewayMigrations];

/** Makes the family of keepalived groups over the ground of the controller. */
export function makeGateway(wiring: GatewayWiring): GatewayService {
  const { config, changes, repeatedAnswers, secrets } = wiring;
  const worker = makeVrrpWorker(wiring);
  const resolver = config.dns.type === 'file' ? makeFileResolver(config.dns) : noResolver;
  const domain = makeGatewayDomain({ ...wiring, worker, resolver, segments: config.segments });
  return {
    family: (signIn) =>
      gatewayFamily({ domain, changes, repeatedAnswers, ...(secrets && { secrets }) }, signIn),
    domain,
    worker,
    nodeUse: gatewayNodeUse,
    trouble(node) {
      const outcome = worker.trouble(node);
      return outcome?.result === 'unreachable' ? undefined : outcome?.why;
    },
    onNodes: () => worker.refresh(),
    async start() {
      await Promise.all([worker.start(), domain.start()]);
    },
    stop() {
      domain.stop();
      worker.stop();
    },
  };
}
