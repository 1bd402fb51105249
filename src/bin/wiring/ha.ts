import { join } from 'node:path';

import type { RequestHandler } from 'express';

import { makeAgentMetadataReader } from '../../cluster/agents/agent-metadata.ts';
import { makeFenceAgents, makeResourceAgents } from '../../cluster/agents/agents.ts';
import { nodeChanges } from '../../cluster/edits/catalogue/nodes.ts';
import { makePropertyChanges } from '../../cluster/edits/catalogue/properties.ts';
import { makeStackChanges } from '../../cluster/edits/catalogue/stack.ts';
import type { ClusterChange } from '../../cluster/edits/cluster-change.ts';
import { makeClusterChanges } from '../../cluster/edits/engine/attempt.ts';
import { makeCibEditor } from '../../cluster/edits/engine/cib-editor.ts';
import { makeCheckPatch } from '../../cluster/edits/engine/patch-check.ts';
import { openUndoStore, undoLimits } from '../../cluster/edits/engine/undo.ts';
import { finishUnfinished } from '../../cluster/edits/unfinished.ts';
import { makeCheckReadiness } from '../../cluster/readiness.ts';
import { makeConfigurationReader } from '../../cluster/reading/configuration.ts';
import { makeCorosyncReader } from '../../cluster/reading/corosync.ts';
import { makeCibText } from '../../cluster/reading/pcs-text.ts';
import { makeClusterOptionsReader } from '../../cluster/reading/properties.ts';
import { makeStateReader } from '../../cluster/reading/state.ts';
import { makeStatusReader } from '../../cluster/reading/status.ts';
import { makeVersionsReader } from '../../cluster/reading/versions.ts';
import { listServices, makeStackHold } from '../../cluster/services.ts';
import { readRings } from '../../corosync/rings.ts';
import { removeMemoryFolders } from '../../kit/files/memory-files.ts';
import { memoryFolder } from '../../kit/paths.ts';
import { makeLostCharactersReader } from '../../pacemaker/cib/lost-characters.ts';
import { makeClusterWatch } from '../../pacemaker/watch.ts';
import { makePcsText } from '../../pcs/text.ts';
import { haFamily, type HaDomain, moveByAgent } from '../../routes/ha/index.ts';
import type { Family } from '../../server/table/family.ts';
import type { Row } from '../../server/table/row.ts';
import type { Config } from './config.ts';
import type { Kit } from './kit.ts';

// A change is visible within this time, and many changes at once cause at most one reading in it.
const reuseMs = 250;

/** The High Availability API over this node's cluster. */
export interface Ha {
  /** @param signIn handlers that identify the caller and refuse unknown ones */
  routes: (signIn: readonly RequestHandler[]) => Family;
  /** Throws a fault that says why this node is not ready. */
  checkReadiness: () => Promise<void>;
  /** See Agent. */
  prepare: () => Promise<void>;
  /** Watches the cluster, and finishes interrupted work. Until then, the cluster is asked more often. */
  start: () => Promise<void>;
  /** See Agent. */
  finishUnfinished: (signal: AbortSignal) => Promise<void>;
  stop: () => Promise<void>;
}

/** @param more rows of other families below the same base path */
export function makeHa(kit: Kit, config: Config, more: readonly Row[]): Ha {
  const { host, findStoppedDaemons, log, secrets, audit, changes } = kit;
  const watch = makeClusterWatch({
    startResident: kit.startResident,
    runtimeFolder: config.runtime_directory,
    cibFile: host.paths.cib,
    log,
  });
  const cache = { reuseMs, holds: watch.holds };
  const state = makeStateReader(host, cache, secrets);
  const status = makeStatusReader(host, state, secrets);
  const configuration = makeConfigurationReader(host, cache, { secrets, log });
  const clusterOptions = makeClusterOptionsReader(host);
  const resourceAgents = makeResourceAgents(host);
  const fenceAgents = makeFenceAgents(host);
  const hold = makeStackHold();
  const askLocalId = async () => (await readRings(host)).localNodeId;
  const lostCharacters = makeLostCharactersReader(host, memoryFolder);
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
  const domain: HaDomain = {
    ...kit,
    state,
    status,
    configuration,
    clusterOptions,
    clusterChanges,
    pcsText: makeCibText(makePcsText(host, memoryFolder)),
    versions: makeVersionsReader(host),
    services: () => listServices(host, hold),
    resourceAgents,
    fenceAgents,
    agentMetadata: makeAgentMetadataReader(host, resourceAgents, fenceAgents),
    corosync: makeCorosyncReader(host, audit),
    nodeChanges,
    propertyChanges: makePropertyChanges(clusterOptions),
    stackChanges: makeStackChanges(hold),
  };
  const stopping = new AbortController();
  return {
    routes: (signIn) => haFamily(domain, more, signIn),
    checkReadiness: makeCheckReadiness(host, state, findStoppedDaemons),
    async prepare() {
      await Promise.allSettled([
        clusterOptions(),
        lostCharacters(),
        removeMemoryFolders(memoryFolder),
      ]);
    },
    async start() {
      await watch.start();
      finish(stopping.signal).catch((error: unknown) => {
        log.error({ error: String(error) }, 'unfinished changes were not looked for');
      });
    },
    finishUnfinished: finish,
    stop() {
      stopping.abort();
      return watch.stop();
    },
  };

  function finish(signal: AbortSignal): Promise<void> {
    const make = (resources: readonly string[], change: ClusterChange<unknown>) =>
      changes.make(moveByAgent(resources), clusterChanges(change));
    return finishUnfinished({ configuration, make, log }, signal);
  }
}
