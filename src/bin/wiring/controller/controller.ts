import { join } from 'node:path';

import type { Express } from 'express';

import type { TokenStore } from '../../../access/tokens.ts';
import type { AuditLog } from '../../../changes/audit/audit.ts';
import { openRepeatedAnswers } from '../../../changes/idempotency/repeated-answers.ts';
import type { ChangePipeline } from '../../../changes/pipeline.ts';
import {
  type JoinPin,
  makeJoinTokens,
  writeJoinToken,
} from '../../../controller/certificates/join-tokens.ts';
import type { OwnCertificates } from '../../../controller/certificates/own.ts';
import type { Signer } from '../../../controller/certificates/signer.ts';
import { makeJoin } from '../../../controller/nodes/join.ts';
import { makeNodeLinks } from '../../../controller/nodes/links.ts';
import { makeRegistrations } from '../../../controller/nodes/registry.ts';
import { makeRemoval } from '../../../controller/nodes/removal.ts';
import type { LocalStore } from '../../../controller/store/open.ts';
import { storePaths } from '../../../controller/store/paths.ts';
import { makeRegularBackup } from '../../../controller/store/regular-backup.ts';
import type { Log } from '../../../kit/log.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import { answerForm } from '../../../routes/common/stored-answer.ts';
import { type Connections, makeConnections } from '../../../server/connections/connections.ts';
import { connectionLimits } from '../../../server/connections/limits.ts';
import type { Metrics } from '../../../server/metrics.ts';
import type { AnswerFault } from '../../../server/middleware/answer-errors.ts';
import { makeProblems } from '../../../server/problem.ts';
import { faults } from '../faults.ts';
import { makeControllerApps } from './apps.ts';
import type { WholeControllerConfig } from './config.ts';
import type { ControllerFamily, ControllerGround } from './family.ts';
import { makeFamilies } from './families.ts';
import { joiningOnRecord } from './joining.ts';
import { addControllerMetrics } from './metrics.ts';
import { makeLocalStatus } from './status.ts';

export interface ControllerParts {
  config: WholeControllerConfig;
  poweredBy: string;
  store: LocalStore;
  signer: Signer;
  certificates: OwnCertificates;
  /** What the port shows now, for join tokens. */
  pin: () => JoinPin;
  tokens: TokenStore;
  audit: AuditLog;
  changes: ChangePipeline;
  secrets: KnownSecrets;
  /** The key of the certificates in the store. */
  secretsKey: Buffer;
  metrics: Metrics;
  log: Log;
  /** Tests have families of their own. */
  families?: (ground: ControllerGround) => readonly ControllerFamily[];
}

/** The controller, without its listeners. */
export interface Controller {
  apps: { network: Express; socket: Express };
  answerFault: AnswerFault;
  connections: Connections;
  /** Connects to the nodes again, with a new certificate. */
  reconnect: () => void;
  start: () => Promise<void>;
  /** Ends everything except the store, which the caller closes. */
  stop: () => Promise<void>;
}

/** Makes the controller over an open store. */
export function makeController(parts: ControllerParts): Controller {
  const { config, store, signer, certificates, audit, changes, secrets, metrics, log } = parts;
  const { authority } = certificates;
  const registrations = makeRegistrations(store);
  const joinTokens = makeJoinTokens(store);
  const links = makeNodeLinks({
    identity: store.identity,
    registrations,
    signer,
    authority,
    client: () => certificates.client(),
    log,
  });
  const folder = config.state_directory;
  const repeatedAnswers = openRepeatedAnswers(join(folder, 'answers'), answerForm);
  const { secretsKey } = parts;
  const ground = {
    ...{ store, registry: registrations, links, config },
    ...{ changes, secrets, secretsKey, log },
  };
  const families = (parts.families ?? makeFamilies)({ ...ground, repeatedAnswers });

  const onNodes = () => {
    const following = [links.refresh(), ...families.map((each) => each.onNodes())];
    Promise.all(following).catch((error: unknown) => {
      log.error({ error: String(error) }, 'a change of the nodes was not followed');
    });
  };
  const takeIn = makeJoin({
    store,
    registrations,
    tokens: joinTokens,
    signer,
    authority,
    onJoined: onNodes,
  });
  const uses = families.map(({ nodeUse }) => nodeUse);
  const removal = makeRemoval({ store, registrations, links, uses, log });
  const status = makeLocalStatus({
    folder,
    identity: store.identity,
    certificates,
    registrations,
    links,
    trouble: (node) => families.map((each) => each.trouble(node)).find((why) => why !== undefined),
  });
  addControllerMetrics(metrics.registry, status);
  const { backup: backupPath } = storePaths(folder);
  const backup = makeRegularBackup(store, backupPath, log);
  const problems = makeProblems(faults, secrets);
  const connections = makeConnections(connectionLimits(config));

  const local = {
    status,
    async makeJoinToken() {
      const { secret, expiresAt } = await joinTokens.create();
      const token = writeJoinToken({ ...parts.pin(), secret });
      return { token, expires_at: expiresAt.toISOString() };
    },
    async removeNode(id: number, options: { isLost: boolean }) {
      await removal(id, options);
      onNodes();
    },
    async backup() {
      await backup.make();
      return backupPath;
    },
  };
  const apps = makeControllerApps({
    families,
    tokens: parts.tokens,
    connections,
    maxRequests: config.max_requests,
    poweredBy: parts.poweredBy,
    takeIn: joiningOnRecord(takeIn, audit, log),
    local,
    async checkReadiness() {
      await store.one('SELECT id FROM store');
    },
    metrics,
    problems,
    log,
  });
  return {
    apps,
    answerFault: problems.answer,
    connections,
    reconnect: () => {
      links.reconnect();
    },
    async start() {
      await links.refresh();
      for (const each of families) await each.start();
      backup.start();
    },
    async stop() {
      for (const each of families) await each.stop();
      await links.stop();
      await backup.stop();
    },
  };
}
