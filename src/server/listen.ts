import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type https from 'node:https';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { hostAndPort } from '../kit/addresses.ts';
import { Fault, systemErrorCode } from '../kit/fault.ts';
import { makeLogLimit } from '../kit/log-limit.ts';
import type { Log } from '../kit/log.ts';
import type { SerialRequests } from './connections/serial-requests.ts';

/** Milliseconds for answers under way when a service stops; changes have longer. */
const drainMs = 4000;

/** The open listeners of a service. */
export interface Listeners {
  /** For the log, such as `https://*:8443`. */
  addresses: readonly string[];
  /**
   * Takes no new call, lets those under way finish, and returns when all is closed.
   * @param changes settles when no change is under way any more; reads are not waited for as long as changes
   */
  stop(changes?: Promise<unknown>): Promise<void>;
}

/** Where a TCP server listens, and how the log names it. */
export function tcp(
  address: string | null,
  port: number,
): { where: net.ListenOptions; name: string } {
  // Without a host, Node takes IPv4 alone where there is no IPv6.
  if (address === null) return { where: { port }, name: `*:${port}` };
  return { where: { port, host: address }, name: hostAndPort(address, port) };
}

/**
 * Listens. What goes wrong later, such as a connection for which there is no file descriptor, is logged, and the server
 * goes on.
 * Faults: `cannot_listen`
 */
export async function listen(
  server: net.Server,
  where: net.ListenOptions,
  address: string,
  log: Log,
): Promise<void> {
  try {
    server.listen(where);
    await once(server, 'listening');
  } catch (error) {
    const reason =
      systemErrorCode(error) === 'EADDRINUSE'
        ? 'it is taken by another process. End that one, or configure another address.'
        : `${(error as Error).message}. Correct the configuration.`;
    throw new Fault('cannot_listen', `Cannot listen on ${address}: ${reason}`);
  }
  logErrors(server, address, log);
}

// One reason comes with each connection.
const repeatAfterMs = 60_000;

function logErrors(server: net.Server, address: string, log: Log): void {
  const isDue = makeLogLimit({ repeatAfterMs });
  server.on('error', (error) => {
    const code = systemErrorCode(error) ?? error.name;
    if (!isDue(code)) return;
    log.error({ address, code, error: error.message }, 'a listener failed, and goes on');
  });
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
      `${path} exists and is no socket. Configure another path as 'socket'.`,
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

/**
 * Takes no new call, lets the answers under way go out, and returns when all is closed.
 * @param changes settles when no change is under way any more; until then a request that may be a change is waited for,
 * and others as long as `drainMs`
 */
export async function close(
  server: Server | https.Server,
  serial?: SerialRequests,
  changes: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  serial?.stop();
  const drained = sleep(drainMs, undefined, { ref: false });
  await Promise.race([closed, drained]);
  serial?.dropReads();
  // The answer of the last change has as long to go out.
  const answered = changes.then(() =>
    Promise.all([drained, sleep(drainMs / 4, undefined, { ref: false })]),
  );
  await Promise.race([closed, answered]);
  server.closeAllConnections();
  await closed;
}
