import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';

import { openTokenStore, type TokenStore } from '../../../src/access/tokens.ts';
import { type AskController, makeAskController } from '../../../src/bin/hactl/controller/client.ts';
import { controllerSchema } from '../../../src/bin/wiring/controller/config.ts';
import { type Controller, makeController } from '../../../src/bin/wiring/controller/controller.ts';
import type { ControllerFamily } from '../../../src/bin/wiring/controller/family.ts';
import { allMigrations } from '../../../src/bin/wiring/controller/families.ts';
import { openPortIdentity } from '../../../src/bin/wiring/controller/identity.ts';
import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import {
  type OwnCertificates,
  openOwnCertificates,
} from '../../../src/controller/certificates/own.ts';
import { makeSigner, type Signer } from '../../../src/controller/certificates/signer.ts';
import { openSecretsKey } from '../../../src/balancer/secrets/local.ts';
import { initController } from '../../../src/controller/init.ts';
import { type LocalStore, openStore } from '../../../src/controller/store/open.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { namesOfThisHost } from '../../../src/kit/host-names.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { serverConfig } from '../../../src/server/config.ts';
import { openListeners } from '../../../src/server/listeners.ts';
import { makeMetrics } from '../../../src/server/metrics.ts';
import { keepingLog, type LoggedLine } from '../keeping-log.ts';

/** A controller with its listeners, in a folder of a test. */
export interface ServedController {
  controller: Controller;
  store: LocalStore;
  signer: Signer;
  certificates: OwnCertificates;
  tokens: TokenStore;
  url: URL;
  state: string;
  socket: string;
  ask: AskController;
  lines: LoggedLine[];
  audit: ReturnType<typeof openAuditLog>;
  stop(): Promise<void>;
}

export async function serveController(
  folder: string,
  {
    config: keys = {},
    families,
    isNew = true,
  }: {
    config?: { balancer?: object } & Record<string, unknown>;
    families?: readonly ControllerFamily[];
    isNew?: boolean;
  } = {},
): Promise<ServedController> {
  const state = join(folder, 'state');
  const socket = join(folder, 'controller.sock');
  const port = await freePort();
  const config = controllerSchema.parse({
    ...keys,
    address: '127.0.0.1',
    port,
    state_directory: state,
    balancer: { ...keys.balancer, secrets_key: join(folder, 'controller.key') },
  });
  const run = makeRun(makeLog('silent'));
  const signer = makeSigner(run, join(folder, 'signing'));
  const host = () => namesOfThisHost(run);
  if (isNew) await initController({ folder: state, migrations: allMigrations, signer, host });
  const store = await openStore({ folder: state, migrations: allMigrations });
  const certificates = await openOwnCertificates(store, signer, host);
  const { log, lines } = keepingLog();
  const identity = await openPortIdentity(config, certificates, { run, log });
  const secrets = makeKnownSecrets();
  const audit = openAuditLog(join(folder, 'audit.jsonl'), { maxBytes: 1e6, keepFiles: 3 }, 'other');
  const tokens = openTokenStore(join(folder, 'tokens'));
  const parts = { lock: makeLock(), audit, secrets, run, changeDeadlineMs: 10_000 };
  const changes = makeChangePipeline(parts);
  const controller = makeController({
    config,
    poweredBy: 'test',
    store,
    signer,
    certificates,
    pin: identity.pin,
    tokens,
    audit,
    changes,
    secrets,
    secretsKey: await openSecretsKey(config.balancer.secrets_key),
    metrics: makeMetrics(),
    log,
    ...(families && { families: () => families }),
  });
  const addresses = { socket, https_address: config.address, https_port: port };
  const listeners = await openListeners(
    controller,
    { ...serverConfig.parse({}), ...addresses },
    identity.now(),
    log,
  );
  const unfollow = identity.follow((next) => {
    listeners.setIdentity(next);
  }, controller.reconnect);
  await controller.start();
  return {
    controller,
    store,
    signer,
    certificates,
    tokens,
    url: new URL(`https://127.0.0.1:${port}`),
    state,
    socket,
    ask: makeAskController(socket),
    lines,
    audit,
    async stop() {
      await Promise.all([listeners.stop(), unfollow(), changes.stop()]);
      await controller.stop();
      await store.close();
    },
  };
}

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
