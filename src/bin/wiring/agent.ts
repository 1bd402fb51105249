import { dirname, join } from 'node:path';

import type { Express, RequestHandler } from 'express';

import { makeAlphorn } from '../../alphorn/alphorn.ts';
import { addAlphornMetrics } from '../../alphorn/metrics.ts';
import { receiverLimits } from '../../alphorn/receiving/receiver.ts';
import { type LiferaftStore, openStore } from '../../alphorn/receiving/store.ts';
import { makeGuessBrake } from '../../access/guess-brake.ts';
import { openTokenStore } from '../../access/tokens.ts';
import { type AuditLog, openAuditLog } from '../../changes/audit/audit.ts';
import { makeAgentMetadataReader } from '../../cluster/agents/agent-metadata.ts';
import { makeFenceAgents, makeResourceAgents } from '../../cluster/agents/agents.ts';
import { makeChangePipeline } from '../../changes/pipeline.ts';
import type { ClusterChange } from '../../cluster/edits/cluster-change.ts';
import { makeClusterChanges } from '../../cluster/edits/engine/attempt.ts';
import { makeCibEditor } from '../../cluster/edits/engine/cib-editor.ts';
import { makeCheckPatch } from '../../cluster/edits/engine/patch-check.ts';
import { finishUnfinished } from '../../cluster/edits/unfinished.ts';
import { nodeChanges } from '../../cluster/edits/catalogue/nodes.ts';
import { makePropertyChanges } from '../../cluster/edits/catalogue/properties.ts';
import { makeStackChanges } from '../../cluster/edits/catalogue/stack.ts';
import { makeConfigurationReader } from '../../cluster/reading/configuration.ts';
import { makeCorosyncReader } from '../../cluster/reading/corosync.ts';
import {
  type FindStoppedDaemons,
  makeFindStoppedDaemons,
  namingStoppedDaemons,
} from '../../cluster/daemons.ts';
import { makeCheckReadiness } from '../../cluster/readiness.ts';
import { listServices, makeStackHold } from '../../cluster/services.ts';
import { makeStateReader } from '../../cluster/reading/state.ts';
import { makeStatusReader } from '../../cluster/reading/status.ts';
import { makeVersionsReader } from '../../cluster/reading/versions.ts';
import { makeCibText } from '../../cluster/reading/pcs-text.ts';
import { readRings } from '../../corosync/rings.ts';
import { makeConfirmations } from '../../changes/confirmations.ts';
import type { Run, StartResident } from '../../kit/exec.ts';
import { removeTemporaries } from '../../kit/files/files.ts';
import type { Host } from '../../kit/host.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { addLockMetrics, makeLock } from '../../changes/lock.ts';
import type { Log } from '../../kit/log.ts';
import { makeLostCharactersReader } from '../../pacemaker/cib/lost-characters.ts';
import { type ClusterWatch, makeClusterWatch } from '../../pacemaker/watch.ts';
import { removeMemoryFolders } from '../../kit/files/memory-files.ts';
import { debianPaths, memoryFolder, type Paths } from '../../kit/paths.ts';
import { makePcsText } from '../../pcs/text.ts';
import { openRepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import { alphornRows } from '../../routes/alphorn/liferafts.ts';
import { changeRows } from '../../routes/common/change.ts';
import { hostChanges } from '../../routes/common/described.ts';
import { answerForm } from '../../routes/common/stored-answer.ts';
import { haFamily, type HaDomain, moveByAgent } from '../../routes/ha/index.ts';
import { documentFamily } from '../../routes/documents.ts';
import { metricsFamily } from '../../routes/metrics.ts';
import { probeFamily } from '../../routes/probes.ts';
import { makeMetrics } from '../../server/metrics.ts';
import { measureRun } from '../../kit/measured-run.ts';
import { authenticate, bearer, trustAsRoot } from '../../server/middleware/authenticate.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import { documentedHeaders } from '../../server/middleware/headers.ts';
import { limitRequests } from '../../server/middleware/limit-requests.ts';
import { allowedBy, makeApp } from '../../server/table/serve.ts';
import { type Connections, makeConnections } from '../../server/connections/connections.ts';
import { connectionLimits } from '../../server/connections/limits.ts';
import { asProblems } from '../../server/problem.ts';
import { openUndoStore, undoLimits } from '../../cluster/edits/engine/undo.ts';
import type { Config } from './config.ts';
import { makeClusterOptionsReader } from '../../cluster/reading/properties.ts';

/** The agent, without its listeners. */
export interface Agent {
  /** The app of each kind of listener. Both answer from the same domain. */
  apps: {
    /** For callers with a token. */
    network: Express;
    /** For root, by the Unix socket. */
    socket: Express;
  };
  /** How an error looks that belongs to no route. */
  answerFault: AnswerFault;
  /** The connections by the network. */
  connections: Connections;
  /** Begins no further change, and returns when none is under way, after `maxStopMs` at the latest. */
  stopChanges: () => Promise<void>;
  maxStopMs: number;
  /** Not started yet; without it the agent asks the cluster more often. */
  watch: ClusterWatch;
  /**
   * Reads in advance what depends only on the installed software and would take the first caller longest. A read that
   * fails is repeated for that caller.
   */
  prepare: () => Promise<void>;
  /** Finishes what the agent's death cut short, as soon as the cluster runs; the signal ends the waiting. */
  finishUnfinished: (signal: AbortSignal) => Promise<void>;
}

// A change is seen within this time, and a storm of them costs no more than so many readings.
const reuseMs = 250;

/** Makes the agent and all that it is made of: the one place where objects come from. */
export function makeAgent(
  config: Config,
  run: Run,
  startResident: StartResident,
  log: Log,
  {
    paths = debianPaths,
    secrets = makeKnownSecrets(),
    findStoppedDaemons = makeFindStoppedDaemons(),
  }: { paths?: Paths; secrets?: KnownSecrets; findStoppedDaemons?: FindStoppedDaemons } = {},
): Agent {
  const metrics = makeMetrics();
  const host = makeHost(config, measureRun(run, metrics.registry), paths, findStoppedDaemons);
  const audit = makeAuditLog(config, 'agent');
  const runtimeFolder = config.runtime_directory;
  const watch = makeClusterWatch({ startResident, runtimeFolder, cibFile: paths.cib, log });
  const keeping = { reuseMs, holds: watch.holds };

  const state = makeStateReader(host, keeping, secrets);
  const status = makeStatusReader(host, state, secrets);
  const configuration = makeConfigurationReader(host, keeping, { secrets, log });
  const clusterOptions = makeClusterOptionsReader(host);
  const resourceAgents = makeResourceAgents(host);
  const fenceAgents = makeFenceAgents(host);
  const hold = makeStackHold();
  const askLocalId = async () => (await readRings(host)).localNodeId;
  const lostCharacters = makeLostCharactersReader(host, memoryFolder);
  const lock = makeLock();
  const { run: recordedRun, changeDeadlineMs } = host;
  const changes = makeChangePipeline({ lock, audit, secrets, run: recordedRun, changeDeadlineMs });
  const clusterChanges = makeClusterChanges({
    host,
    configuration,
    state,
    findStoppedDaemons,
    undo: openUndoStore(join(config.state_directory, 'undo'), undoLimits(config.undo_keep)),
    editor: makeCibEditor(memoryFolder, makeCheckPatch(askLocalId), lostCharacters),
    forgetState() {
      configuration.forget();
      state.forget();
      status.whole.forget();
    },
  });
  const ha: HaDomain = {
    state,
    status,
    configuration,
    clusterOptions,
    changes,
    clusterChanges,
    audit,
    secrets,
    pcsText: makeCibText(makePcsText(host, memoryFolder)),
    versions: makeVersionsReader(host),
    services: () => listServices(host, hold),
    resourceAgents,
    fenceAgents,
    agentMetadata: makeAgentMetadataReader(host, resourceAgents, fenceAgents),
    corosync: makeCorosyncReader(host, audit),
    confirmations: makeConfirmations(config.require_confirmation),
    repeatedAnswers: openRepeatedAnswers(join(config.state_directory, 'answers'), answerForm),
    nodeChanges,
    propertyChanges: makePropertyChanges(clusterOptions),
    stackChanges: makeStackChanges(hold),
  };
  const alphorn = makeAlphorn(host, makeLiferaftStore(config, paths));
  const checkReadiness = makeCheckReadiness(host, state, findStoppedDaemons);
  const probes = probeFamily(checkReadiness);
  addAlphornMetrics(metrics.registry, () => alphorn.status());
  addLockMetrics(metrics.registry, lock);
  const limit = limitRequests(config.max_requests);
  const appFor = (signIn: readonly RequestHandler[], signInOfMonitor = signIn) => {
    const api = haFamily(ha, alphornRows(alphorn, changeRows(ha, hostChanges)), signIn);
    const monitored = metricsFamily(metrics.registry, signInOfMonitor);
    const documents = documentFamily([api, probes, monitored]);
    const families = [probes, documents, monitored, api];
    const methods = allowedBy(families.flatMap(({ rows }) => rows));
    const before = [metrics.countRequests, ...documentedHeaders(config.powered_by, methods)];
    return makeApp({ log, before, families, elsewhere: api });
  };
  const connections = makeConnections(connectionLimits(config));
  const [tokens, brake] = [makeTokenStore(config), makeGuessBrake(log)];
  const withToken = authenticate(tokens, brake, connections);
  const withBearer = authenticate(tokens, brake, connections, bearer);
  return {
    apps: {
      network: appFor([withToken, limit], [withBearer, limit]),
      socket: appFor([trustAsRoot]),
    },
    answerFault: asProblems(secrets),
    connections,
    stopChanges: () => changes.stop(),
    maxStopMs: changes.maxStopMs,
    watch,
    async prepare() {
      await Promise.allSettled([
        clusterOptions(),
        lostCharacters(),
        removeMemoryFolders(memoryFolder),
        removeTemporaries(config.state_directory),
        removeTemporaries(tokenFolder(config)),
        removeTemporaries(dirname(paths.alphorn.settings)),
      ]);
    },
    finishUnfinished: (signal) => {
      const make = (resources: readonly string[], change: ClusterChange<unknown>) =>
        changes.make(moveByAgent(resources), clusterChanges(change));
      return finishUnfinished({ configuration, make, log }, signal);
    },
  };
}

/** This node; `hactl` and the agent see the same. */
export function makeHost(
  config: Config,
  run: Run,
  paths: Paths = debianPaths,
  findStoppedDaemons: FindStoppedDaemons = makeFindStoppedDaemons(),
): Host {
  return {
    run: namingStoppedDaemons(run, findStoppedDaemons),
    paths,
    readDeadlineMs: config.read_deadline_seconds * 1000,
    changeDeadlineMs: config.change_deadline_seconds * 1000,
  };
}

function tokenFolder(config: Config): string {
  return join(config.state_directory, 'tokens');
}

/** The tokens of this node; `hactl` and the agent open the same. */
export function makeTokenStore(config: Config): ReturnType<typeof openTokenStore> {
  return openTokenStore(tokenFolder(config));
}

/** The liferafts of other hosts that are on this node; `hactl` and the agent open the same. */
export function makeLiferaftStore(config: Config, paths: Paths = debianPaths): LiferaftStore {
  return openStore(paths.alphorn.liferafts, receiverLimits(config));
}

/** The record of this node; `hactl` and the agent open the same. */
export function makeAuditLog(config: Config, writer: 'agent' | 'other'): AuditLog {
  const { audit_max_bytes: maxBytes, audit_keep_files: keepFiles } = config;
  return openAuditLog(join(config.state_directory, 'audit.jsonl'), { maxBytes, keepFiles }, writer);
}
