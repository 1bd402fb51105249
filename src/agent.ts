import { loadConfig } from './config.ts';
import { makeAgent } from './deps.ts';
import { makeRun, makeStartResident } from './exec.ts';
import { openListeners } from './listeners.ts';
import { makeLog } from './log.ts';
import { runService } from './service.ts';
import { makeSystemdNotifier } from './systemd/notify.ts';
import { loadTlsIdentity } from './tls.ts';

// The agent: answers the API.
await runService('ha-agent', async () => {
  const config = await loadConfig(process.env);
  const log = makeLog(config.log_level);
  const run = makeRun(log);
  const identity = await loadTlsIdentity(config, run);
  const { apps, watch, prepare } = makeAgent(config, run, makeStartResident(), log);
  await prepare();
  const listeners = await openListeners(apps, config, identity);
  await watch.start();
  return {
    ...{ log, addresses: listeners.addresses },
    systemd: makeSystemdNotifier(run, process.env, log),
    stop: () => Promise.all([listeners.stop(), watch.stop()]),
  };
});
