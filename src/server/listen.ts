import { lstat, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type https from 'node:https';
import net from 'node:net';

import { Fault, systemErrorCode } from '../errors.ts';

/** Longest wait, in milliseconds, for answers under way when the agent stops. */
const drainMs = 4000;

/** What is being listened on. */
export interface Listeners {
  /** For the log, such as `https://*:8443`. */
  addresses: readonly string[];
  /** Takes no new call, lets those under way finish, and returns when all is closed. */
  stop(): Promise<void>;
}

/** Where a TCP server listens, and how the log names it. */
export function tcp(
  address: string | null,
  port: number,
): { where: net.ListenOptions; name: string } {
  // Without a host, Node takes IPv4 alone where there is no IPv6.
  if (address === null) return { where: { port }, name: `*:${port}` };
  const host = net.isIPv6(address) ? `[${address}]` : address;
  return { where: { port, host: address }, name: `${host}:${port}` };
}

/** Faults: `cannot_listen` */
export async function listen(
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
export async function freeSocket(path: string): Promise<void> {
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

/** Takes no new call, and returns when those under way have ended. */
export async function close(server: Server | https.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const impatience = setTimeout(() => {
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearTimeout(impatience);
}
