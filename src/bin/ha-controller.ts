import { openSecretsKey } from '../balancer/secrets/local.ts';
import { addLockMetrics, makeLock } from '../changes/lock.ts';
import { makeChangePipeline } from '../changes/pipeline.ts';
import { openOwnCertificates } from '../controller/certificates/own.ts';
import { makeSigner } from '../controller/certificates/signer.ts';
import {
  controllerSocket,
  hostMounts,
  pacemakerOverride,
  signingFolder,
} from '../controller/paths.ts';
import { refuseUnsharedState } from '../controller/shared-state.ts';
import { openStore } from '../controller/store/open.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { namesOfThisHost } from '../kit/host-names.ts';
import { makeLog } from '../kit/log.ts';
import { measureRun } from '../kit/measured-run.ts';
import { makeKnownSecrets } from '../kit/secrets/known-secrets.ts';
import { readConfiguration } from '../pacemaker/cib/cib.ts';
import { openListeners } from '../server/listeners.ts';
import { makeMetrics } from '../server/metrics.ts';
import { runService } from '../server/service.ts';
import { describeCertificate } from '../server/tls/identity.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { loadConfig } from './wiring/config.ts';
import { loadControllerConfig } from './wiring/controller/config.ts';
import { makeController } from './wiring/controller/controller.ts';
import { allMigrations } from './wiring/controller/families.ts';
import { openPortIdentity } from './wiring/controller/identity.ts';
import { makeAuditLog, makeHost, makeTokenStore } from './wiring/stores.ts';

// The controller: it has the store, and orders the nodes that have joined.
await runService('ha-controller', async () => {
  const common = await loadConfig(process.env);
  const config = await loadControllerConfig(process.env);
  const secrets = makeKnownSecrets();
  const log = makeLog(common.log_level, secrets);
  const watchdog = startWatchdog(makeStartResident(), log);
  const metrics = makeMetrics();
  const run = measureRun(makeRun(log), metrics.registry);
  const host = makeHost(common, run);
  const folder = config.state_directory;
  await refuseUnsharedState({
    folder,
    override: pacemakerOverride,
    mounts: hostMounts,
    readConfiguration: () => readConfiguration(host),
  });
  const store = await openStore({
    folder,
    migrations: allMigrations,
    onNote: (note) => {
      log.info({ note }, 'the store was changed');
    },
  });
  const signer = makeSigner(run, signingFolder);
  const certificates = await openOwnCertificates(store, signer, () => namesOfThisHost(run));
  const identity = await openPortIdentity(config, certificates, { run, log });
  const lock = makeLock();
  addLockMetrics(metrics.registry, lock);
  const audit = makeAuditLog(common, 'other');
  const { changeDeadlineMs } = host;
  const changes = makeChangePipeline({ lock, audit, secrets, run, changeDeadlineMs });
  const controller = makeController({
    config,
    poweredBy: common.powered_by,
    store,
    signer,
    certificates,
    pin: identity.pin,
    tokens: makeTokenStore(common),
    audit,
    changes,
    secrets,
    secretsKey: await openSecretsKey(config.balancer.secrets_key),
    metrics,
    log,
  });
  const listeners = await openListeners(
    controller,
    {
      ...common,
      socket: controllerSocket,
      https_address: config.address,
      https_port: config.port,
      http_address: null,
      http_port: null,
    },
    identity.now(),
    log,
  );
  log.info(describeCertificate(identity.now()), 'certificate');
  const unfollow = identity.follow((next) => {
    listeners.setIdentity(next);
  }, controller.reconnect);
  await controller.start();
  log.info({ store: store.identity }, 'the store is open');
  return {
    log,
    addresses: listeners.addresses,
    systemd: makeSystemdNotifier(run, process.env, log),
    maxStopMs: changes.maxStopMs,
    async stop() {
      const stopped = changes.stop();
      await Promise.all([stopped, listeners.stop(stopped), unfollow()]);
      await controller.stop();
      await store.close();
      watchdog.stop();
    },
  };
});
