import { lstat, rm } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import net from 'node:net';

import type { Config } from './config.ts';
import { Fault, systemErrorCode } from './errors.ts';
import type { TlsIdentity } from './tls.ts';

/** Longest wait, in milliseconds, for answers under way when the agent stops. */
const drainMs = 4000;

/** What is being listened on. */
export interface Listeners {
  /** For the log, such as `https://*:8443`. */
  addresses: readonly string[];
  /** Takes no new call, lets those under way finish, and returns when all is closed. */
  stop(): Promise<void>;
}

/**
 * Opens every configured door. The Unix socket gets its mode from the process's umask, for
 * a mode that is set behind would leave a moment in which anybody can connect.
 * Faults: `cannot_listen`
 */
export async function openListeners(
  apps: { network: RequestListener; socket: RequestListener },
  config: Config,
  identity: TlsIdentity,
): Promise<Listeners> {
  const opened: { server: Server | https.Server; address: string }[] = [];
  const open = async (server: Server | https.Server, where: net.ListenOptions, address: string) => {
    // A UI polls over one connection; the default of 5 s would close it between two polls.
    server.keepAliveTimeout = 65_000;
    server.maxConnections = 1000;
    await listen(server, where, address);
    opened.push({ server, address });
  };
  const stop = async () => {
    await Promise.all(opened.map(({ server }) => close(server)));
  };

  try {
    await freeSocket(config.socket);
    await open(http.createServer(apps.socket), { path: config.socket }, config.socket);
    const tls = tcp(config.https_address, config.https_port);
    await open(
      https.createServer({ ...identity, minVersion: 'TLSv1.2' }, apps.network),
      tls.where,
      `https://${tls.name}`,
    );
    if (config.http_port !== null) {
      const plain = tcp(config.http_address, config.http_port);
      await open(http.createServer(apps.network), plain.where, `http://${plain.name}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { addresses: opened.map(({ address }) => address), stop };
}

function tcp(address: string | null, port: number): { where: net.ListenOptions; name: string } {
  // Without a host, Node takes IPv4 alone where there is no IPv6.
  if (address === null) return { where: { port }, name: `*:${port}` };
  const host = net.isIPv6(address) ? `[${address}]` : address;
  return { where: { port, host: address }, name: `${host}:${port}` };
}

async function listen(
  server: net.Server,
  where: net.ListenOptions,
  address: string,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
  } catch (error) {
    const reason =
      systemErrorCode(error) === 'EADDRINUSE'
        ? 'it is taken by another process. End that one, or configure another address.'
        : `${(error as Error).message}. Correct the configuration.`;
    throw new Fault('cannot_listen', `Cannot listen on ${address}: ${reason}`);
  }
}

/**
 * Removes the socket that an agent left which was killed. Anything else that has its name stays: one
 * that is answered on, and a file that is no socket.
 */
async function freeSocket(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new Fault(
      'cannot_listen',
      `${path} is there and is no socket. Configure another path as 'socket'.`,
    );
  }
  const refusal = await new Promise<unknown>((resolve) => {
    const probe = net.connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', resolve);
  });
  if (systemErrorCode(refusal) !== 'ECONNREFUSED') {
    throw new Fault('cannot_listen', `${path} is served by another ha-agent. Stop it first.`);
  }
  await rm(path, { force: true });
}

async function close(server: Server | https.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const impatience = setTimeout(() => {
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearTimeout(impatience);
}
