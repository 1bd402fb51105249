import { makeAgent } from './wiring/agent.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { makeKnownSecrets } from '../kit/secrets/known-secrets.ts';
import { openListeners } from '../server/listeners.ts';
import { makeLog } from '../kit/log.ts';
import { runService } from '../server/service.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { describeCertificate, followTlsIdentity, loadTlsIdentity } from '../server/tls/identity.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { loadConfig } from './wiring/config.ts';

// The agent: answers the API.
await runService('ha-agent', async () => {
  const config = await loadConfig(process.env);
  const secrets = makeKnownSecrets();
  const log = makeLog(config.log_level, secrets);
  const startResident = makeStartResident();
  const watchdog = startWatchdog(startResident, log);
  const run = makeRun(log);
  const identity = await loadTlsIdentity(config, run);
  const agent = makeAgent(config, run, startResident, log, { secrets });
  await agent.prepare();
  const listeners = await openListeners(agent, config, identity, log);
  log.info(describeCertificate(identity), 'certificate');
  const unfollow = followTlsIdentity({ config, run, log }, identity, (next) => {
    listeners.setIdentity(next);
  });
  await agent.start();
  return {
    log,
    addresses: listeners.addresses,
    systemd: makeSystemdNotifier(run, process.env, log),
    maxStopMs: agent.maxStopMs,
    async stop() {
      void unfollow();
      const changes = agent.stopChanges();
      await Promise.all([changes, listeners.stop(changes), agent.stop()]);
      watchdog.stop();
    },
  };
});
