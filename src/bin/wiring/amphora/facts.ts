import type { AgentConfig } from '../../../amphora/agent/config.ts';
import type { Details, Info, LvsListeners, Topologies } from '../../../amphora/amphora.ts';
import { makeDetails } from '../../../amphora/facts/details.ts';
import { makeInfo } from '../../../amphora/facts/info.ts';
import { makeInterfaces } from '../../../amphora/facts/interfaces.ts';
import { makePackages } from '../../../amphora/facts/packages.ts';
import type { OwnerHaproxies } from '../../../amphora/haproxies/haproxies.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import type { Host } from '../../../kit/host.ts';
import type { Log } from '../../../kit/log.ts';
import type { Namespace } from '../../../netlink/namespaces.ts';

export interface FactWiring {
  host: Host<AmphoraPaths>;
  log: Log;
  namespace: Namespace;
  agentConfig: AgentConfig;
  haproxies: OwnerHaproxies;
  lvs: Pick<LvsListeners, 'listeners'>;
  topologies: Pick<Topologies, 'current'>;
}

export interface AmphoraFacts {
  info: () => Promise<Info>;
  details: () => Promise<Details>;
  start: () => void;
  stop: () => void;
}

/** What this amphora is, and what it does. */
export function makeAmphoraFacts(wiring: FactWiring): AmphoraFacts {
  const { host, log, namespace, agentConfig, haproxies, lvs, topologies } = wiring;
  const { run, readDeadlineMs: deadlineMs } = host;
  const masters = async () =>
    (await haproxies.views()).flatMap(({ master }) => (master === undefined ? [] : [master]));
  const details = makeDetails({
    memory: {
      meminfo: '/proc/meminfo',
      controlGroups: '/sys/fs/cgroup',
      // systemd makes a slice for the instances of a template (systemd.resource-control(5)).
      haproxyGroup: 'system.slice/system-amphora\\x2dhaproxy.slice',
    },
    interfaces: makeInterfaces({
      run,
      deadlineMs,
      namespace: namespace ?? undefined,
      pids: masters,
    }),
    packages: makePackages(run, deadlineMs),
    topology: () => topologies.current(),
    processes: async () => ({
      haproxy: (await masters()).length,
      lvs: (await lvs.listeners()).filter(({ status }) => status === 'ACTIVE').length,
    }),
    log,
  });
  return {
    info: makeInfo({ run, deadlineMs, amphora: agentConfig.amphoraId }),
    details: () => details.read(),
    start: () => {
      details.start();
    },
    stop: () => {
      details.stop();
    },
  };
}
