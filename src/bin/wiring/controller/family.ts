import type { RequestHandler } from 'express';
import type { RepeatedAnswers } from '../../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../../changes/pipeline.ts';
import type { NodeLinks, NodeRegistry, NodeUse } from '../../../controller/nodes/nodes.ts';
import type { Store } from '../../../controller/store/store.ts';
import type { Log } from '../../../kit/log.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import type { Answer } from '../../../routes/common/stored-answer.ts';
import type { TokenPlace } from '../../../server/middleware/authenticate.ts';
import type { Family } from '../../../server/table/family.ts';
import type { WholeControllerConfig } from './config.ts';

/** What the ground gives to each family of the controller. */
export interface ControllerGround {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  config: WholeControllerConfig;
  changes: ChangePipeline;
  repeatedAnswers: RepeatedAnswers<Answer>;
  secrets: KnownSecrets;
  /** The key of the certificates in the store. */
  secretsKey: Buffer;
  log: Log;
}

/** A family of the controller, without its listeners. */
export interface ControllerFamily {
  /** Its routes for one listener. @param signIn identifies the caller and refuses unknown ones */
  family: (signIn: readonly RequestHandler[]) => Family;
  /** Where its callers have their token; the usual place by default. */
  token?: { place: TokenPlace; takesTenants: boolean };
  nodeUse: NodeUse;
  /** Why a node that answers does not run its part, in one sentence; undefined if it does. */
  trouble: (node: number) => string | undefined;
  /** Called after a node has joined, and after its removal. */
  onNodes: () => Promise<void>;
  start: () => Promise<void>;
  stop: () => Promise<void> | void;
}
