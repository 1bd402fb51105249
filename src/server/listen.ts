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

/** Milliseconds for running answers when a service stops. Changes get more time. */
const drainMs = 4000;

/** The open listeners of a service. */
export interface Listeners {
  /** The name for the log, such as `https://*:8443`. */
  addresses: readonly string[];
  /**
   * Accepts no new calls, completes the running ones, and returns when everything is closed.
   * @param changes settles when no change is under way any more; reads get less time than changes
   */
  stop(changes?: Promise<unknown>): Promise<void>;
}

/** The address of a TCP server, and its name in the log. */
export function tcp(
  address: string | null,
  port: number,
): { where: net.ListenOptions; name: string } {
  // Without a host, Node.js uses only IPv4 on a host without IPv6.
  if (address === null) return { where: { port }, name: `*:${port}` };
  return { where: { port, host: address }, name: hostAndPort(address, port) };
}

/**
 * Listens. Later errors are logged, and the server continues. An example is a connection for which there is no file
 * descriptor.
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

// Each connection may report the same reason.
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
 * Removes the socket of an agent that was killed. Anything else with that name stays: a socket that somebody listens
 * on, and a file that is not a socket.
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
 * Accepts no new calls, completes running answers, and returns when everything is closed.
 * @param changes settles when no change is under way any more. Until then, requests that may be changes are awaited,
 * and others for `drainMs`
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
  // The answer of the last change gets the same time.
  const answered = changes.then(() =>
    Promise.all([drained, sleep(drainMs / 4, undefined, { ref: false })]),
  );
  await Promise.race([closed, answered]);
  server.closeAllConnections();
  await closed;
}
