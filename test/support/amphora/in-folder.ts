import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readAgentConfig } from '../../../src/amphora/agent/config.ts';
import type { AmphoraPaths } from '../../../src/amphora/paths.ts';
import { makeAmphora } from '../../../src/bin/wiring/amphora/amphora.ts';
import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import { peerName } from '../../../src/haproxy/peer-name.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import type { Log } from '../../../src/kit/log.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import { makeAnswerFault } from '../../../src/routes/amphora/errors.ts';
import {
  type MutualIdentity,
  openCertificateListener,
} from '../../../src/server/client-certificate-listener.ts';
import { makeMetrics } from '../../../src/server/metrics.ts';
import type { Family } from '../../../src/server/table/family.ts';
import { makeTestCa } from './certificates.ts';
import { runInFolder } from './folder-units.ts';

export const amphoraOfFolder = '6e2bc8a0-2548-4fb7-a5f0-fb1ef4a696ce';
export const heartbeatKeyOfFolder = 'the-key-of-the-heartbeats';

/** The files of an amphora in a folder. All that it writes is below `disk`. */
export interface FolderPlaces {
  disk: string;
  trust: string;
  paths: AmphoraPaths;
  /** Its certificate, which an upload replaces. */
  server: string;
  audit: string;
}

/** @param folder as short as possible: the path of a socket has 107 bytes, and an id up to 64 */
export function placesIn(folder: string): FolderPlaces {
  const disk = join(folder, 'd');
  return {
    disk,
    trust: join(folder, 'trust'),
    paths: {
      base: join(disk, 'o'),
      certificates: join(disk, 'o', 'certs'),
      agentConfig: join(disk, 'etc', 'amphora-agent.conf'),
      interfaces: join(disk, 'etc', 'interfaces'),
      logSocket: join(disk, 'log'),
    },
    server: join(disk, 'etc', 'server.pem'),
    audit: join(disk, 'audit.jsonl'),
  };
}

/** The configuration that a controller writes, for this folder. */
export function agentConfigOf(places: FolderPlaces, key = heartbeatKeyOfFolder): string {
  const { paths, trust, server } = places;
  return `[haproxy_amphora]
base_path = ${paths.base}
base_cert_dir = ${paths.certificates}
[health_manager]
controller_ip_port_list = 127.0.0.1:9
heartbeat_interval = 3600
heartbeat_key = ${key}
[amphora_agent]
agent_server_ca = ${join(trust, 'ca.pem')}
agent_server_cert = ${server}
amphora_id = ${amphoraOfFolder}
`;
}

/** Writes what an image has before the agent starts, and the certificates of its controller. */
export async function prepareFolder(places: FolderPlaces): Promise<void> {
  const { paths, trust } = places;
  for (const each of [paths.certificates, paths.interfaces, trust]) {
    await mkdir(each, { recursive: true });
  }
  const ca = await makeTestCa(trust, 'authority');
  const server = await ca.issue(amphoraOfFolder);
  const client = await ca.issue('controller');
  const next = await ca.issue(amphoraOfFolder);
  await writeFile(join(trust, 'ca.pem'), ca.cert);
  await writeFile(join(trust, 'client.pem'), client.cert + client.key);
  await writeFile(join(trust, 'next.pem'), next.cert + next.key);
  await writeFile(places.server, server.cert + server.key, { mode: 0o600 });
  await writeFile(paths.agentConfig, agentConfigOf(places), { mode: 0o600 });
}

export interface AmphoraInFolder {
  families: readonly Family[];
  stop(): Promise<void>;
  /** Ends the processes of haproxy that it has started. */
  end(): Promise<void>;
}

/** What is another's on a host that is a node too. */
export interface SharedPort {
  identity: () => Promise<MutualIdentity>;
  families: readonly Family[];
}

/**
 * Opens the whole agent over a folder that prepareFolder has made, with its port on 127.0.0.1. The folder has to be on a
 * file system in memory.
 */
export async function openInFolder(
  places: FolderPlaces,
  { port, log, ...more }: { port: number; log: Log } & Partial<SharedPort>,
): Promise<AmphoraInFolder> {
  const agentConfig = readAgentConfig(await readFile(places.paths.agentConfig));
  const secrets = makeKnownSecrets();
  const units = runInFolder(makeRun(log), places.paths, peerName(agentConfig.amphoraId));
  const { run } = units;
  const audit = openAuditLog(places.audit, { maxBytes: 1024 * 1024, keepFiles: 2 }, 'other');
  const changes = makeChangePipeline({
    lock: makeLock(),
    audit,
    secrets,
    run,
    changeDeadlineMs: 20_000,
  });
  const ownIdentity = async (): Promise<MutualIdentity> => {
    const pem = await readFile(places.server, 'utf8');
    return { key: pem, cert: pem, ca: await readFile(join(places.trust, 'ca.pem'), 'utf8') };
  };
  const identity = more.identity ?? ownIdentity;
  const amphora = await makeAmphora({
    config: { namespace: null, versions: ['0.1', '0.5', '1.0'], client_names: null },
    agentConfig,
    host: { run, paths: places.paths, readDeadlineMs: 10_000, changeDeadlineMs: 20_000 },
    changes,
    log,
    secrets,
    metrics: makeMetrics(),
    ...(more.families && { others: { families: more.families, localFamilies: [] } }),
    async onCertified() {
      listener.setIdentity(await identity());
    },
  });
  await amphora.prepare();
  const listener = await openCertificateListener(
    amphora.app,
    {
      address: '127.0.0.1',
      port,
      identity: await identity(),
      answerFault: makeAnswerFault(secrets),
    },
    log,
  );
  await amphora.start();
  return {
    families: amphora.app.get('families') as readonly Family[],
    async stop() {
      const stopped = changes.stop();
      await Promise.all([stopped, listener.stop(stopped), amphora.stop()]);
    },
    end: () => units.end(),
  };
}
