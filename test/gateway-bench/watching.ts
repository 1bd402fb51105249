import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

import type { Gateway, Group } from '../gateway-system/bench.ts';
import { now } from './asks.ts';

/** What the API has said of a group at one time. */
export interface Said {
  at: number;
  /** In the order of the hosts of the lab. */
  statuses: readonly number[];
}

export interface Watching {
  readonly said: readonly Said[];
  stop(): Promise<void>;
}

/** Asks the API for a group about 20 times a second, over one connection. */
export async function watchGroup(gateway: Gateway, id: number): Promise<Watching> {
  const { controller, ids } = gateway;
  const token = (
    await controller.run(['hactl', 'token', 'create', `watch-${id}`, '--role', 'viewer'])
  ).trim();
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const said: Said[] = [];
  const state = { isStopped: false };
  const look = async (): Promise<void> => {
    const request = https.get({
      ...{ host: controller.address, port: 9876, agent, signal: AbortSignal.timeout(5000) },
      path: `/admin-api/gateway/1/virtual_groups/${id}`,
      headers: { 'API-Token': token },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { data } = JSON.parse(await text(response)) as { data: { data: Group[] } };
    const nodes = data.data[0]?.real_nodes ?? [];
    const statuses = ids.map((each) => nodes.find(({ node }) => node === each)?.status ?? -1);
    said.push({ at: now(), statuses });
  };
  const loop = async (): Promise<void> => {
    while (!state.isStopped) {
      await look().catch(() => undefined);
      await sleep(50);
    }
    agent.destroy();
  };
  const ended = loop();
  return {
    said,
    async stop() {
      state.isStopped = true;
      await ended;
    },
  };
}

/** Waits until the agent of a host takes connections. @returns when it did, by the monotonic clock */
export async function answering(host: string, deadlineMs = 120_000): Promise<number> {
  const end = now() + deadlineMs;
  while (now() < end) {
    const socket = connect({ host, port: 9443 });
    const isOpen = await once(socket, 'connect', { signal: AbortSignal.timeout(300) }).then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return now();
    await sleep(50);
  }
  throw new Error(`the agent of ${host} did not answer`);
}
