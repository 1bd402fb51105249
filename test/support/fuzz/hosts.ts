import { cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import type { Express } from 'express';

import { makePeers, makeSenderService } from '../../../src/bin/wiring/alphorn-services.ts';
import { openTokenStore } from '../../../src/access/tokens.ts';
import type { Role } from '../../../src/access/roles.ts';
import { type Config, loadConfig } from '../../../src/bin/wiring/config.ts';
import { peerTls } from '../../../src/alphorn/peers/peer-protocol.ts';
import { makeAgent } from '../../../src/bin/wiring/agent.ts';
import { type Command, makeRun, type Outcome } from '../../../src/kit/exec.ts';
import type { Log } from '../../../src/kit/log.ts';
import { openListeners, openSocketListener } from '../../../src/server/listeners.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { openPeerListener } from '../../../src/server/peer-listener.ts';
import type { Family } from '../../../src/server/table/family.ts';
import { loadTlsIdentity } from '../../../src/server/tls/identity.ts';
import { makeAlphornHost } from '../alphorn-host.ts';
import { noPaths } from '../app-bench.ts';
import { everythingCib, remoteNodesCib, storageCib } from '../changes-bench.ts';
import { type FakeCluster, fakeCluster, success } from '../fake-cluster.ts';
import { fixturePath } from '../fixtures.ts';
import { someHost, storeLiferaft } from '../liferafts.ts';
import { clusterKey, freePort, makeTestHost } from '../peer-host.ts';
import { credentialsOf, pskOptions } from '../psk-peer.ts';
import { flawOfArgv } from './argv.ts';
import { type Connection, openConnection } from './client.ts';
import type { TlsIdentity } from '../../../src/server/tls/source.ts';

export type ListenerName = 'http' | 'https' | 'socket' | 'peers' | 'daemon' | 'amphora';

/** @param source a loopback address */
export type Listener = (source: string) => Promise<Connection>;

/** Notices bugs while the services run. */
export interface Witness {
  log: Log;
  /** What was logged as a bug, or broke the grammar of a tool, since the list was last emptied. */
  flaws: string[];
}

export function makeWitness(): Witness {
  const flaws: string[] = [];
  const nothing = () => undefined;
  const error = (fields: object) => flaws.push(`logged as an error: ${JSON.stringify(fields)}`);
  return { log: { debug: nothing, info: nothing, warn: nothing, error }, flaws };
}

export function familiesOf(app: Express): readonly Family[] {
  return app.get('families') as readonly Family[];
}

/** An agent with real listeners, over a cluster that is only a CIB. */
export interface FuzzedAgent {
  families: readonly Family[];
  listeners: Readonly<Record<'http' | 'https' | 'socket', Listener>>;
  tokens: Readonly<Record<Role, string>>;
  witness: Witness;
  cluster: () => FakeCluster;
  /** Resets everything to one of the CIBs. @param failing see `ToolFailure` */
  begin: (cib: number, failing?: ToolFailure) => void;
  /** Lets all tools work from now on. */
  heal: () => void;
  /** Returns when no tool has run for a while. A client that hung up does not know how long its request goes on. */
  settled: () => Promise<void>;
  /** Puts back the files that a change may have replaced. */
  restoreFiles: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Makes one call of a tool fail. */
export interface ToolFailure {
  tool: string;
  /** The number of that call, from 0. */
  call: number;
  fail: () => Outcome;
}

export const cibs = [storageCib, remoteNodesCib, everythingCib] as const;

/** @param asksTwice whether irreversible requests must be confirmed */
export async function openAgent(
  folder: string,
  {
    daemonSocket,
    identity,
    asksTwice,
  }: { daemonSocket: string; identity: TlsIdentity | undefined; asksTwice: boolean },
  witness: Witness,
): Promise<FuzzedAgent & { identity: TlsIdentity }> {
  const { log, flaws } = witness;
  await mkdir(folder, { recursive: true });
  const ports = { http: await freePort(), https: await freePort() };
  const config = { ...(await configIn(folder, ports)), require_confirmation: asksTwice };
  const alphorn = {
    ...(await makeAlphornHost(folder, { a: 'A' })),
    root: join(folder, 'root'),
    socket: daemonSocket,
  };
  await mkdir(alphorn.root, { recursive: true });
  const files = {
    corosyncConf: join(folder, 'corosync.conf'),
    corosyncKey: join(folder, 'authkey'),
  };
  const conf = fixturePath('cat/9.1/corosync-conf/stdout');
  const restoreFiles = async () => {
    await cp(conf, files.corosyncConf);
    await writeFile(files.corosyncKey, clusterKey);
    await storeLiferaft(alphorn.liferafts, { files: { '/etc/a': 'A' } });
    for (const written of [alphorn.settings, alphorn.restores, alphorn.root]) {
      await rm(written, { recursive: true, force: true });
    }
    await mkdir(alphorn.root);
  };
  await restoreFiles();

  const clusters = cibs.map((xml) => fakeCluster(xml));
  const realRun = makeRun(log);
  for (const cluster of clusters) answerFurther(cluster, realRun);
  const state: { cluster: FakeCluster; failing: ToolFailure | undefined } = {
    cluster: clusters[0] as FakeCluster,
    failing: undefined,
  };
  let running = 0;
  const run = async (command: Command): Promise<Outcome> => {
    running += 1;
    try {
      return await answer(command);
    } finally {
      running -= 1;
    }
  };
  const answer = (command: Command): Promise<Outcome> => {
    const flaw = flawOfArgv(command.argv);
    if (flaw !== undefined) {
      flaws.push(flaw);
      // CRM_EX_USAGE
      return Promise.resolve({ exitCode: 64, stdout: '', stderr: 'usage' });
    }
    const { cluster, failing } = state;
    const [tool] = command.argv;
    const calls = () => cluster.calls.filter(([each]) => each === tool).length;
    if (failing?.tool === tool && failing.call === calls()) {
      cluster.calls.push(command.argv);
      return Promise.resolve().then(failing.fail);
    }
    return cluster.run(command);
  };
  const paths = { ...noPaths, ...files, alphorn };
  const findStoppedDaemons = () => Promise.resolve([]);
  const agent = makeAgent(config, run, noResident, log, { paths, findStoppedDaemons });
  await agent.prepare();
  const known = identity ?? (await loadTlsIdentity(config, realRun));
  const listeners = await openListeners(agent, config, known, log);
  const tokens = openTokenStore(join(folder, 'tokens'));
  return {
    families: familiesOf(agent.apps.network),
    ...{ identity: known, witness },
    listeners: {
      http: (source) =>
        openConnection(
          net.connect({ port: ports.http, host: '127.0.0.1', localAddress: source }),
          'connect',
        ),
      https: (source) =>
        openConnection(
          tls.connect({
            ...{ port: ports.https, host: '127.0.0.1', localAddress: source },
            ...{ rejectUnauthorized: false, checkServerIdentity: () => undefined },
          }),
          'secureConnect',
        ),
      socket: () => openConnection(net.connect(config.socket), 'connect'),
    },
    tokens: {
      admin: await tokens.create('an-admin', 'admin'),
      operator: await tokens.create('an-operator', 'operator'),
      viewer: await tokens.create('a-viewer', 'viewer'),
      monitor: await tokens.create('a-monitor', 'monitor'),
    },
    cluster: () => state.cluster,
    begin(cib, failing) {
      state.cluster = clusters[cib] as FakeCluster;
      state.failing = failing;
      state.cluster.cibs.splice(1);
      state.cluster.calls.length = 0;
    },
    heal() {
      state.failing = undefined;
    },
    async settled() {
      for (let quiet = 0; quiet < 10; quiet += 1) {
        const started = state.cluster.calls.length;
        await sleep(5);
        // Between two calls of tools, a change writes files.
        await stat(folder);
        if (running > 0 || state.cluster.calls.length > started) quiet = 0;
      }
    },
    restoreFiles,
    async stop() {
      await agent.stopChanges();
      await listeners.stop();
    },
  };
}

function configIn(folder: string, ports: { http: number; https: number }): Promise<Config> {
  return loadConfig({
    HA_AGENT_CONFIG: join(folder, 'none.json'),
    HA_AGENT_STATE_DIRECTORY: folder,
    HA_AGENT_RUNTIME_DIRECTORY: folder,
    HA_AGENT_SOCKET: join(folder, 'api.sock'),
    HA_AGENT_HTTPS_ADDRESS: '127.0.0.1',
    HA_AGENT_HTTPS_PORT: `${ports.https}`,
    HA_AGENT_HTTP_ADDRESS: '127.0.0.1',
    HA_AGENT_HTTP_PORT: `${ports.http}`,
    HA_AGENT_CHANGE_DEADLINE_SECONDS: '5',
  });
}

/** Commands that the fake cluster does not need otherwise. */
function answerFurther({ answers }: FakeCluster, realRun: ReturnType<typeof makeRun>): void {
  answers.set('corosync', ({ argv }) => success(argv.includes('-v') ? 'Corosync 3.1.7\n' : ''));
  answers.set('corosync-keygen', async ({ argv }) => {
    await writeFile(argv.at(-1) ?? '', Buffer.alloc(256, 7));
    return success('');
  });
  answers.set('logger', () => success(''));
  // This tool reads and writes attributes of files in the folder of the run.
  answers.set('perl', realRun);
}

function noResident(): never {
  throw new Error('The watch is not started here.');
}

/** The two services of Alphorn. */
export interface FuzzedAlphorn {
  families: Readonly<Record<'peers' | 'daemon', readonly Family[]>>;
  listeners: Readonly<Record<'peers' | 'daemon', Listener>>;
  socket: string;
  stop: () => Promise<void>;
}

export async function openAlphorn(folder: string, { log }: Witness): Promise<FuzzedAlphorn> {
  const { paths: ofHost } = await makeTestHost(folder, 'ae82a9a2');
  const paths = {
    ...ofHost,
    alphorn: { ...ofHost.alphorn, restores: join(folder, 'restores') },
  };
  const port = await freePort();
  const config = await loadConfig({ HA_AGENT_CONFIG: join(folder, 'none') });
  const where = { address: '127.0.0.1', port };
  const peers = makePeers({ ...config, peer_port: port }, log, paths);
  await peers.start();
  const admission = { tls: peerTls, ...peers.callers };
  const peerListener = await openPeerListener(peers.app, where, admission, log);
  const sender = makeSenderService(config, log, paths);
  const { socket } = paths.alphorn;
  const socketListener = await openSocketListener(
    sender.app,
    socket,
    makeProblems(faults).answer,
    log,
  );
  const credentials = credentialsOf(someHost, clusterKey);
  return {
    families: { peers: familiesOf(peers.app), daemon: familiesOf(sender.app) },
    listeners: {
      peers: (source) =>
        openConnection(
          tls.connect({
            ...pskOptions(credentials),
            ...{ host: '127.0.0.1', port, localAddress: source },
          }),
          'secureConnect',
        ),
      daemon: () => openConnection(net.connect(socket), 'connect'),
    },
    socket,
    async stop() {
      await Promise.all([peerListener.stop(), socketListener.stop()]);
      await Promise.all([peers.stop(), sender.stop()]);
    },
  };
}
