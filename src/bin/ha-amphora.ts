import { readFile } from 'node:fs/promises';

import { makeChangePipeline } from '../changes/pipeline.ts';
import { addLockMetrics, makeLock } from '../changes/lock.ts';
import type { AgentConfig } from '../amphora/agent/config.ts';
import { amphoraSocket } from '../amphora/paths.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { makeLog } from '../kit/log.ts';
import { measureRun } from '../kit/measured-run.ts';
import { makeKnownSecrets } from '../kit/secrets/known-secrets.ts';
import { makeAnswerFault } from '../routes/amphora/errors.ts';
import {
  type MutualIdentity,
  openCertificateListener,
} from '../server/client-certificate-listener.ts';
import { openSocketListener } from '../server/listeners.ts';
import { makeMetrics } from '../server/metrics.ts';
import { runService } from '../server/service.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { makeAmphora } from './wiring/amphora/amphora.ts';
import { amphoraPaths, loadAgentConfig, loadAmphoraConfig } from './wiring/amphora/config.ts';
import { loadConfig } from './wiring/config.ts';
import { makeAuditLog } from './wiring/stores.ts';

// The agent of a haproxy amphora. It answers controllers, and sends them heartbeats.
await runService('ha-amphora', async () => {
  const common = await loadConfig(process.env);
  const config = await loadAmphoraConfig(process.env);
  const agentConfig = await loadAgentConfig();
  const secrets = makeKnownSecrets();
  const log = makeLog(common.log_level, secrets);
  const watchdog = startWatchdog(makeStartResident(), log);
  const metrics = makeMetrics();
  const run = measureRun(makeRun(log), metrics.registry);
  const changeDeadlineMs = common.change_deadline_seconds * 1000;
  const host = {
    run,
    paths: amphoraPaths(agentConfig),
    readDeadlineMs: common.read_deadline_seconds * 1000,
    changeDeadlineMs,
  };
  const lock = makeLock();
  addLockMetrics(metrics.registry, lock);
  const audit = makeAuditLog(common, 'other');
  const changes = makeChangePipeline({ lock, audit, secrets, run, changeDeadlineMs });
  const amphora = await makeAmphora({
    config,
    agentConfig,
    host,
    changes,
    log,
    secrets,
    metrics,
    onCertified: async () => {
      listener.setIdentity(await readIdentity(agentConfig));
    },
  });
  await amphora.prepare();
  const answerFault = makeAnswerFault(secrets);
  const local = await openSocketListener(amphora.localApp, amphoraSocket, answerFault, log);
  const { bindHost, bindPort: port, minTlsVersion: minTls } = agentConfig;
  const listener = await openCertificateListener(
    amphora.app,
    {
      // Node.js listens on both families without an address.
      address: bindHost === '::' ? null : bindHost,
      port,
      minTls,
      identity: await readIdentity(agentConfig),
      answerFault,
    },
    log,
  );
  await amphora.start();
  return {
    log,
    addresses: [...listener.addresses, ...local.addresses],
    systemd: makeSystemdNotifier(run, process.env, log),
    maxStopMs: changes.maxStopMs,
    async stop() {
      const stopped = changes.stop();
      await Promise.all([stopped, listener.stop(stopped), local.stop(stopped), amphora.stop()]);
      watchdog.stop();
    },
  };
});

/** The PEM files of the port. */
async function readIdentity({ serverCertificate, serverCa }: AgentConfig): Promise<MutualIdentity> {
  const [pem, ca] = await Promise.all([
    readFile(serverCertificate, 'utf8'),
    readFile(serverCa, 'utf8'),
  ]);
  return { key: pem, cert: pem, ca };
}
