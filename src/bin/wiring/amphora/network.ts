import type { AgentConfig } from '../../../amphora/agent/config.ts';
import {
  type AmphoraNetwork,
  makeNetwork,
  type NetworkParts,
  type Restored,
} from '../../../amphora/network/network.ts';
import { makeTopologyStore } from '../../../amphora/topology/store.ts';
import type { Topologies } from '../../../amphora/amphora.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import type { Host } from '../../../kit/host.ts';
import { runToSuccess } from '../../../kit/exec.ts';
import type { Log } from '../../../kit/log.ts';
import type { Namespace } from '../../../netlink/namespaces.ts';

/** The unit that makes the namespace and its ports at boot. */
const networkUnit = 'amphora-netns.service';

/** What puts a command into the namespace; empty for the host's own. */
export function namespacePrefix(namespace: Namespace): readonly string[] {
  return namespace === null ? [] : ['ip', 'netns', 'exec', namespace];
}

/** The network as ha-amphora changes it. */
export function makeAmphoraNetwork(
  { host, log }: { host: Host<AmphoraPaths>; log: Log },
  namespace: Namespace,
  topologies: Pick<Topologies, 'current'>,
): AmphoraNetwork {
  return makeNetwork({
    run: host.run,
    log,
    paths: host.paths,
    namespace,
    topology: async () => (await topologies.current()).topology,
    // What is mounted in the mount namespace of ha-amphora, other services do not see. The unit has none of its own.
    addNamespace: async () => {
      await runToSuccess(
        host.run,
        // A unit that is active is not started again, and a restart would stop each haproxy.
        {
          argv: ['systemctl', 'reload-or-restart', networkUnit],
          deadlineMs: host.changeDeadlineMs,
        },
        `The namespace ${namespace ?? ''} could not be made. 'journalctl --unit ${networkUnit}' shows why.`,
      );
    },
  });
}

/** Makes the network again as it was, without ha-amphora. */
export async function restoreNetwork(
  parts: Pick<NetworkParts, 'run' | 'log' | 'paths' | 'namespace'>,
  { topology }: AgentConfig,
): Promise<Restored> {
  const stored = await makeTopologyStore(parts.paths.base).read();
  const configured = topology === 'SINGLE' ? 'SINGLE' : 'ACTIVE-STANDBY';
  const network = makeNetwork({
    ...parts,
    topology: () => Promise.resolve(stored?.topology ?? configured),
  });
  return network.restore();
}
