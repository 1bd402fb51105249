import type { Express } from 'express';

import { type ConfigChange, makeAmphoraAgent } from '../../../amphora/agent/agent.ts';
import { type AgentConfig, ignoredKeys } from '../../../amphora/agent/config.ts';
import type { AmphoraDomain } from '../../../amphora/amphora.ts';
import { isOnMemoryFileSystem, makeCertificateStore } from '../../../amphora/certificates/store.ts';
import type { AmphoraConfig } from '../../../amphora/config.ts';
import { makeHaproxies } from '../../../amphora/haproxies/haproxies.ts';
import { refuseOtherNamespace } from '../../../amphora/namespace-change.ts';
import { makeUnitProcesses } from '../../../amphora/haproxies/units.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import { removeLeftTemporaries } from '../../../amphora/temporaries.ts';
import { makeTopologyStore } from '../../../amphora/topology/store.ts';
import { makeTopologies } from '../../../amphora/topology/topologies.ts';
import type { ChangePipeline } from '../../../changes/pipeline.ts';
import { peerName } from '../../../haproxy/peer-name.ts';
import type { Host } from '../../../kit/host.ts';
import type { Log } from '../../../kit/log.ts';
import type { KnownSecrets } from '../../../kit/secrets/known-secrets.ts';
import { makeAmphoraApp } from '../../../routes/amphora/index.ts';
import { makeAmphoraLocalApp } from '../../../routes/amphora-local/index.ts';
import type { Metrics } from '../../../server/metrics.ts';
import type { Family } from '../../../server/table/family.ts';
import { faults } from '../faults.ts';
import { makeAmphoraFacts } from './facts.ts';
import {
  beatSettings,
  lvsWithFollowers,
  makeAmphoraHeartbeats,
  withFollowers,
} from './heartbeats.ts';
import { makeAmphoraLvs } from './lvs.ts';
import { makeAmphoraMetrics } from './metrics.ts';
import { makeAmphoraNetwork, namespacePrefix } from './network.ts';
import { makeStatus } from './status.ts';
import { makeAmphoraVrrp } from './vrrp.ts';

export interface AmphoraParts {
  config: AmphoraConfig;
  agentConfig: AgentConfig;
  host: Host<AmphoraPaths>;
  changes: ChangePipeline;
  log: Log;
  secrets: KnownSecrets;
  metrics: Pick<Metrics, 'registry'>;
  /** What shares the port and the socket. */
  others?: { families: readonly Family[]; localFamilies: readonly Family[] };
  /** Uses the uploaded certificate for the next connection. */
  onCertified: () => Promise<void>;
}

/** The amphora, without its listeners. */
export interface Amphora {
  /** For controllers, by client certificate. */
  app: Express;
  /** For root, by the Unix socket. */
  localApp: Express;
  /** Brings the disk and the processes together. Call it before the listeners are opened. */
  prepare: () => Promise<void>;
  /** Begins to send heartbeats. */
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Masks the key of the heartbeats. @returns a function that ends this */
function holdKey(secrets: KnownSecrets, { heartbeatKey }: AgentConfig): () => void {
  return secrets.hold(heartbeatKey === undefined ? [] : [heartbeatKey]);
}

function warnOfIgnored(log: Log, keys: readonly string[]): void {
  if (keys.length > 0) log.warn({ keys }, 'these keys of amphora-agent.conf have no effect');
}

/**
 * Makes the amphora of this host: one domain below three versions of the API.
 * Faults: `invalid_config` if the namespace has changed while something is configured
 */
export async function makeAmphora(parts: AmphoraParts): Promise<Amphora> {
  const { config, agentConfig, host, log, secrets, changes } = parts;
  const { namespace } = config;
  const { run, paths } = host;
  const inNamespace = namespacePrefix(namespace);
  await refuseOtherNamespace(paths, inNamespace);
  warnOfIgnored(log, ignoredKeys(agentConfig));

  const haproxies = makeHaproxies({
    run,
    log,
    paths,
    inNamespace,
    peer: peerName(agentConfig.amphoraId),
    processes: makeUnitProcesses(host),
    certificates: makeCertificateStore({ paths, isInMemory: isOnMemoryFileSystem }),
  });
  const lvs = makeAmphoraLvs(host, namespace);
  const vrrp = makeAmphoraVrrp(host, inNamespace);
  let current = agentConfig;
  let releaseKey = holdKey(secrets, agentConfig);
  const topologies = makeTopologies({
    store: makeTopologyStore(paths.base),
    vrrp,
    configured: () => current.topology,
    log,
  });
  const network = makeAmphoraNetwork({ host, log }, namespace, topologies);
  const facts = makeAmphoraFacts({
    host,
    log,
    namespace,
    agentConfig,
    haproxies,
    lvs,
    topologies,
  });
  const heartbeats = makeAmphoraHeartbeats({
    paths,
    agentConfig,
    haproxies,
    vrrp,
    lvs,
    log,
    registry: parts.metrics.registry,
  });
  const agent = makeAmphoraAgent({
    paths,
    config: agentConfig,
    async onConfigured({ config: next, afterRestart, ignored }: ConfigChange) {
      const isOtherTopology = next.topology !== current.topology;
      current = next;
      releaseKey();
      releaseKey = holdKey(secrets, next);
      heartbeats.reconfigure(beatSettings(next));
      if (afterRestart.length > 0) {
        log.warn({ keys: afterRestart }, 'these keys count after a restart of ha-amphora');
      }
      warnOfIgnored(log, ignored);
      // In a pair, keepalived sets the addresses that the agent sets otherwise.
      if (isOtherTopology) await network.restore();
    },
    onCertified: parts.onCertified,
  });
  const domain: AmphoraDomain = {
    haproxies: withFollowers(haproxies, heartbeats, () => network.announce()),
    lvs: lvsWithFollowers(lvs, heartbeats),
    network,
    vrrp,
    agent,
    topologies,
    info: facts.info,
    details: facts.details,
  };
  const status = makeStatus(domain, { paths, agentConfig, network, heartbeats, haproxies });
  const clients = config.client_names;
  const metrics = makeAmphoraMetrics(parts.metrics.registry, status);
  return {
    app: makeAmphoraApp(
      { domain, changes, log, secrets },
      {
        versions: config.versions,
        ...(parts.others && { others: parts.others.families }),
        ...(clients !== null && { clients }),
      },
    ),
    localApp: makeAmphoraLocalApp({ status, metrics }, faults, log, parts.others?.localFamilies),
    async prepare() {
      await removeLeftTemporaries(paths, agentConfig.serverCertificate);
      await haproxies.recover();
    },
    async start() {
      facts.start();
      await topologies.finish();
      await heartbeats.start();
    },
    async stop() {
      await Promise.all([changes.stop(), heartbeats.stop()]);
      facts.stop();
    },
  };
}
