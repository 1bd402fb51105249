import { makeRun } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { makeLog } from '../kit/log.ts';
import { restoreNetwork } from './wiring/amphora/network.ts';
import { amphoraPaths, loadAgentConfig, loadAmphoraConfig } from './wiring/amphora/config.ts';
import { loadConfig } from './wiring/config.ts';

// Makes the namespace of the tenants and its ports again, as after a reboot. haproxy and keepalived wait for that. It has
// the mounts of the host, so that other services see the namespace.
try {
  const { log_level } = await loadConfig(process.env);
  const log = makeLog(log_level);
  const { namespace } = await loadAmphoraConfig(process.env);
  const agentConfig = await loadAgentConfig();
  const paths = amphoraPaths(agentConfig);
  const { restored, missing, failed } = await restoreNetwork(
    { run: makeRun(log), log, paths, namespace },
    agentConfig,
  );
  log.info({ restored, missing, failed }, 'network');
  // A port that is missing must not keep the load balancers of the other ones down.
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  const text = [error.message, error.command?.stderr].filter(Boolean).join('\n');
  process.stderr.write(`ha-amphora-netns: ${text}\n`);
  process.exitCode = 1;
}
