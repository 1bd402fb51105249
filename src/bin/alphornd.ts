import { makeSenderService } from './wiring/alphorn-services.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { openSocketListener } from '../server/listeners.ts';
import { makeProblems } from '../server/problem.ts';
import { faults } from './wiring/faults.ts';
import { makeLog } from '../kit/log.ts';
import { debianPaths } from './wiring/paths.ts';
import { runService } from '../server/service.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { loadConfig } from './wiring/config.ts';

// The sender of this host's liferaft. The cluster runs it on one node.
await runService('alphornd', async () => {
  const config = await loadConfig(process.env);
  const log = makeLog(config.log_level);
  const watchdog = startWatchdog(makeStartResident(), log);
  const { app, start, stop } = makeSenderService(config, log);
  const listener = await openSocketListener(
    app,
    debianPaths.alphorn.socket,
    makeProblems(faults).answer,
    log,
  );
  start();
  return {
    log,
    addresses: listener.addresses,
    systemd: makeSystemdNotifier(makeRun(log), process.env, log),
    stop: () => {
      watchdog.stop();
      return Promise.all([listener.stop(), stop()]);
    },
  };
});
