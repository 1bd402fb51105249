import type { RequestHandler } from 'express';

import type { RepeatedAnswers } from '../../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../../changes/pipeline.ts';
import { controllerMigrations } from '../../../controller/migrations.ts';
import type { NodeLinks, NodeRegistry, NodeUse } from '../../../controller/nodes/nodes.ts';
import type { Migration, Store } from '../../../controller/store/store.ts';
import { digestOf } from '../../../keepalived/digest.ts';
import { renderKeepalived } from '../../../keepalived/render.ts';
import type { Log } from '../../../kit/log.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import type { Answer } from '../../../routes/common/stored-answer.ts';
import type { Family } from '../../../server/table/family.ts';
import type { WholeControllerConfig } from './config.ts';
import { gatewayTables, makeGateway } from './gateway.ts';

/** What the ground gives to each family of the controller. */
export interface ControllerGround {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  config: WholeControllerConfig;
  changes: ChangePipeline;
  repeatedAnswers: RepeatedAnswers<Answer>;
  secrets: KnownSecrets;
  log: Log;
}

/** A family of the controller, without its listeners. */
export interface ControllerFamily {
  /** Its routes for one listener. @param signIn identifies the caller and refuses unknown ones */
  family: (signIn: readonly RequestHandler[]) => Family;
  nodeUse: NodeUse;
  /** Why a node that answers does not run its part, in one sentence; undefined if it does. */
  trouble: (node: number) => string | undefined;
  /** Called after a node has joined, and after its removal. */
  onNodes: () => Promise<void>;
  start: () => Promise<void>;
  stop: () => Promise<void> | void;
}

/** The tables of all families, in their order. A new family adds its own at the end. */
export const allMigrations: readonly Migration[] = [...controllerMigrations, ...gatewayTables];

/** Makes the families. A new family is one line here. */
export function makeFamilies(ground: ControllerGround): readonly ControllerFamily[] {
  const gateway = makeGateway({
    ...ground,
    digestOf,
    render: ({ id, name }, wanted) =>
      renderKeepalived(wanted, {
        // Before its first word, the newest is assumed.
        version: ground.links.word(id)?.report.version ?? '',
        node: name,
      }),
  });
  return [gateway];
}
