import { makeAlphorn } from './alphorn-deps.ts';
import { loadConfig } from './config.ts';
import { makeRun, makeStartResident } from './exec.ts';
import { openSocketListener } from './server/listeners.ts';
import { asProblems } from './server/problem.ts';
import { makeLog } from './log.ts';
import { debianPaths } from './paths.ts';
import { runService } from './service.ts';
import { makeSystemdNotifier } from './systemd/notify.ts';
import { startWatchdog } from './watchdog.ts';

// The sender of this host's liferaft: on the node that the cluster runs it on.
await runService('alphornd', async () => {
  const config = await loadConfig(process.env);
  const log = makeLog(config.log_level);
  const watchdog = startWatchdog(makeStartResident(), log);
  const { daemon, app, keysSaved } = makeAlphorn(config, log);
  const listener = await openSocketListener(app, debianPaths.alphorn.socket, asProblems(), log);
  daemon.start();
  return {
    ...{ log, addresses: listener.addresses },
    systemd: makeSystemdNotifier(makeRun(log), process.env, log),
    stop: () => {
      watchdog.stop();
      return Promise.all([listener.stop(), daemon.stop(), keysSaved()]);
    },
  };
});
