import { readFile } from 'node:fs/promises';

import { makeChangePipeline } from '../changes/pipeline.ts';
import { addLockMetrics, makeLock } from '../changes/lock.ts';
import type { AgentConfig } from '../amphora/agent/config.ts';
import { amphoraSocket } from '../amphora/paths.ts';
import { makeRun, makeStartResident } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { makeLog } from '../kit/log.ts';
import { measureRun } from '../kit/measured-run.ts';
import { makeKnownSecrets } from '../kit/secrets/known-secrets.ts';
import { makeNodeCredentials } from '../node/credentials.ts';
import { debianNodePaths } from '../node/paths.ts';
import { makeAnswerFault } from '../routes/amphora/errors.ts';
import {
  type MutualIdentity,
  openCertificateListener,
} from '../server/client-certificate-listener.ts';
import { openSocketListener } from '../server/listeners.ts';
import { makeMetrics } from '../server/metrics.ts';
import { runService } from '../server/service.ts';
import { makeApp } from '../server/table/serve.ts';
import { startWatchdog } from '../server/watchdog.ts';
import { makeSystemdNotifier } from '../systemd/notify.ts';
import { makeAmphora } from './wiring/amphora/amphora.ts';
import { endAsNode } from './wiring/amphora/end-as-node.ts';
import {
  amphoraPaths,
  loadAgentConfigIfThere,
  loadAmphoraConfig,
} from './wiring/amphora/config.ts';
import { loadConfig } from './wiring/config.ts';
import { loadNodeConfig } from './wiring/node/config.ts';
import { makeWiredNode } from './wiring/node/node.ts';
import { makeAuditLog } from './wiring/stores.ts';

// The agent of a haproxy amphora, and of a node of a controller. It answers controllers, and sends heartbeats.
await runService('ha-amphora', async () => {
  const common = await loadConfig(process.env);
  const config = await loadAmphoraConfig(process.env);
  const nodeConfig = await loadNodeConfig(process.env);
  const agentConfig = await loadAgentConfigIfThere();
  if (agentConfig === undefined && nodeConfig === undefined) throw notConfigured();
  const secrets = makeKnownSecrets();
  const log = makeLog(common.log_level, secrets);
  const startResident = makeStartResident();
  const watchdog = startWatchdog(startResident, log);
  const metrics = makeMetrics();
  const run = measureRun(makeRun(log), metrics.registry);
  const changeDeadlineMs = common.change_deadline_seconds * 1000;
  const host = {
    run,
    readDeadlineMs: common.read_deadline_seconds * 1000,
    changeDeadlineMs,
  };
  const lock = makeLock();
  addLockMetrics(metrics.registry, lock);
  const audit = makeAuditLog(common, 'other');
  const changes = makeChangePipeline({ lock, audit, secrets, run, changeDeadlineMs });
  const wired =
    nodeConfig &&
    (await makeWiredNode({
      config: nodeConfig,
      host: { ...host, paths: debianNodePaths },
      startResident,
      changes,
      log,
      secrets,
      onIdentity: (identity) => {
        listener.setIdentity(identity);
      },
      onLeft: () => {
        void endAsNode(agentConfig).then((action) => {
          // Another end than a stop by systemd would be followed by a start.
          const argv = ['systemctl', '--no-block', action, 'ha-amphora.service'] as const;
          return run({ argv, deadlineMs: host.readDeadlineMs });
        });
      },
    }));
  const families = wired ? [wired.family] : [];
  const localFamilies = wired ? [wired.localFamily] : [];
  const readIdentity = (): Promise<MutualIdentity> =>
    nodeConfig || agentConfig === undefined
      ? makeNodeCredentials(run, debianNodePaths).read()
      : identityOf(agentConfig);
  const amphora =
    agentConfig &&
    (await makeAmphora({
      config,
      agentConfig,
      host: { ...host, paths: amphoraPaths(agentConfig) },
      changes,
      log,
      secrets,
      metrics,
      others: { families, localFamilies },
      onCertified: async () => {
        listener.setIdentity(await readIdentity());
      },
    }));
  await amphora?.prepare();
  const appOf = (served: typeof families) => {
    const [elsewhere] = served;
    if (elsewhere === undefined) throw notConfigured();
    return makeApp({ log, families: served, elsewhere });
  };
  const answerFault = makeAnswerFault(secrets);
  const localApp = amphora?.localApp ?? appOf(localFamilies);
  const local = await openSocketListener(localApp, amphoraSocket, answerFault, log);
  const {
    bindHost,
    bindPort: port,
    minTlsVersion: minTls,
  } = agentConfig ?? {
    bindHost: nodeConfig?.bind_host ?? '::',
    bindPort: nodeConfig?.bind_port ?? 9443,
    minTlsVersion: 'TLSv1.2' as const,
  };
  const listener = await openCertificateListener(
    amphora?.app ?? appOf(families),
    {
      // Node.js listens on both families without an address.
      address: bindHost === '::' ? null : bindHost,
      port,
      minTls,
      identity: await readIdentity(),
      answerFault,
    },
    log,
  );
  await amphora?.start();
  // keepalived may take half a minute to start, and the port answers meanwhile.
  void wired?.node.start();
  return {
    log,
    addresses: [...listener.addresses, ...local.addresses],
    systemd: makeSystemdNotifier(run, process.env, log),
    maxStopMs: changes.maxStopMs,
    async stop() {
      const stopped = changes.stop();
      await Promise.all([
        stopped,
        listener.stop(stopped),
        local.stop(stopped),
        amphora?.stop(),
        wired?.node.stop(),
      ]);
      watchdog.stop();
    },
  };
});

function notConfigured(): Fault {
  return new Fault(
    'invalid_config',
    'There is neither /etc/octavia/amphora-agent.conf nor /etc/ha-agent/node.json. docs/amphora.md says what to write to the first; hactl node join writes the second.',
  );
}

/** The PEM files of the port of an amphora. */
async function identityOf({ serverCertificate, serverCa }: AgentConfig): Promise<MutualIdentity> {
  const [pem, ca] = await Promise.all([
    readFile(serverCertificate, 'utf8'),
    readFile(serverCa, 'utf8'),
  ]);
  return { key: pem, cert: pem, ca };
}
