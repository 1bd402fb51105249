import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';

import { makePeers } from '../../src/bin/wiring/alphorn-services.ts';
import type { Listeners } from '../../src/server/listen.ts';
import { peerTls } from '../../src/alphorn/peers/peer-protocol.ts';
import { openPeerListener, type PeerLimits } from '../../src/server/peer-listener.ts';
import { debianPaths, type Paths } from '../../src/bin/wiring/paths.ts';
import { keepingLog, type LoggedLine } from './keeping-log.ts';
import { loadConfig } from '../../src/bin/wiring/config.ts';

/** A host of its own for Alphorn. Its files are in a folder of the test. */
export interface TestHost {
  id: string;
  paths: Paths;
  /** Writes the file `/files/NAME` of the folder, which the rules include. */
  write(name: string, content: string | Buffer): Promise<string>;
}

/** The key file that the nodes of a cluster share. */
export const clusterKey = Buffer.alloc(256, 'a');

/** @param id eight hexadecimal digits */
export async function makeTestHost(
  folder: string,
  id: string,
  key: Buffer = clusterKey,
): Promise<TestHost> {
  const at = (...names: string[]) => join(folder, id, ...names);
  for (const name of ['etc/manifest.d', 'files', 'lib']) {
    await mkdir(at(name), { recursive: true });
  }
  await writeFile(at('etc/hostid'), Buffer.from(id, 'hex').reverse());
  await writeFile(at('etc/authkey'), key);
  await writeFile(at('etc/manifest.d/all.json'), JSON.stringify({ include: [at('files')] }));
  await writeFile(at('files/hostname'), `${id}\n`);
  return {
    id,
    paths: {
      ...debianPaths,
      corosyncKey: at('etc/authkey'),
      alphorn: {
        ...debianPaths.alphorn,
        settings: at('etc/config.json'),
        rules: at('etc/manifest.d'),
        key: at('etc/key'),
        own: at('lib/own'),
        liferafts: at('lib/liferafts'),
        knownKeys: at('lib/known-keys.json'),
        socket: at('lib/alphornd.sock'),
        hostId: at('etc/hostid'),
        machineId: at('etc/machine-id'),
      },
    },
    async write(name, content) {
      const path = at('files', name);
      await writeFile(path, content);
      return path;
    },
  };
}

/** A receiver that others can reach, by default on loopback. */
export interface TestReceiver {
  port: number;
  /** The lines that an installed package logs by default. */
  logged(): LoggedLine[];
  stop: Listeners['stop'];
}

export async function openTestReceiver(
  { paths }: TestHost,
  {
    limits,
    port,
    address = '127.0.0.1',
    ...settings
  }: {
    limits?: PeerLimits;
    port?: number;
    address?: string;
    liferaft_keep?: number;
    liferaft_most_bytes?: number;
  } = {},
): Promise<TestReceiver> {
  const where = { address, port: port ?? (await freePort()) };
  const config = {
    ...(await loadConfig({ HA_AGENT_CONFIG: join(paths.alphorn.own, 'none') })),
    peer_address: where.address,
    peer_port: where.port,
    ...settings,
  };
  const { log, lines } = keepingLog();
  const { app, callers, start, stop } = makePeers(config, log, paths);
  await start();
  const listener = await openPeerListener(app, where, { tls: peerTls, ...callers }, log, limits);
  return {
    port: where.port,
    logged: () => lines.filter(({ level }) => level !== 'debug'),
    async stop() {
      await listener.stop();
      await stop();
    },
  };
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Below the ports that the kernel gives to connections (ip(7), ip_local_port_range), which would take it again.
    const port = randomInt(20_000, 32_000);
    const server = net.createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
