import { peerTls } from '../alphorn/peers/peer-protocol.ts';
import { makePeers } from './wiring/alphorn-services.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { openPeerListener } from '../server/peer-listener.ts';
import { makeLog } from '../kit/log.ts';
import { runService } from '../server/service.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { loadConfig } from './wiring/config.ts';

// The receiver of liferafts. It runs next to the agent, whether or not the cluster runs.
await runService('ha-agent-peers', async () => {
  const config = await loadConfig(process.env);
  const log = makeLog(config.log_level);
  const watchdog = startWatchdog(makeStartResident(), log);
  const { app, callers, start, stop } = makePeers(config, log);
  await start();
  const listener = await openPeerListener(
    app,
    { address: config.peer_address, port: config.peer_port },
    { tls: peerTls, ...callers },
    log,
  );
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
