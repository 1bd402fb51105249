import { checkFile } from '../../../amphora/haproxies/file-check.ts';
import { peerName } from '../../../haproxy/peer-name.ts';
import { makeHaproxyVersion } from '../../../haproxy/version.ts';
import { makeRun } from '../../../kit/exec.ts';
import { makeLog } from '../../../kit/log.ts';
import { memoryFolder } from '../../../kit/paths.ts';
import { amphoraPaths, loadAgentConfig, loadAmphoraConfig } from './config.ts';
import { namespacePrefix } from './network.ts';

/** Large configurations take a while. */
const deadlineMs = 50_000;

/**
 * Checks a haproxy.cfg as ha-amphora on this host would, with or without that service.
 * Faults: `haproxy_config_refused`, `invalid_config`, `agent_config_refused`, those of Run
 */
export async function checkHaproxyFile(path: string): Promise<void> {
  const { namespace } = await loadAmphoraConfig(process.env);
  const agentConfig = await loadAgentConfig();
  const run = makeRun(makeLog('silent'));
  await checkFile(
    {
      paths: amphoraPaths(agentConfig),
      check: {
        run,
        inNamespace: namespacePrefix(namespace),
        peer: peerName(agentConfig.amphoraId),
        deadlineMs,
      },
      version: makeHaproxyVersion(run, deadlineMs),
      memory: memoryFolder,
    },
    path,
  );
}
