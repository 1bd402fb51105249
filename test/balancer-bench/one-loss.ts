import { setTimeout as sleep } from 'node:timers/promises';

import { gapsOf, lateness, requestsOf, serves, startClients } from '../amphora-bench/clients.ts';
import type { Balancing } from '../balancer-system/bench.ts';
import type { Simple } from '../balancer-system/making.ts';
import { settled, statusOf } from '../balancer-system/nodes.ts';
import { now } from '../gateway-bench/asks.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Outage } from './outages.ts';

export interface Loss {
  outage: string;
  /** The node that had the VIP. */
  master: string;
  /** The sum of the times in which no new connection was served, from the outage to its repair. */
  downMs: number;
  failed: number;
  requests: number;
  /** From the outage until the API said DEGRADED. */
  degradedMs: number;
  /** From the request of a change while the node is away, until it is ACTIVE. */
  changeMs: number;
  /** From when the node could be asked again until it ran that change. */
  caughtUpMs: number;
  /** Requests that failed from the repair on. */
  failedAfterRepair: number;
  /** How late the witness woke up at worst while there was no service. */
  lateMs: number;
}

const everyMs = 50;

/** Loses the node that has the VIP, changes the load balancer meanwhile, and gets the node back. */
export async function loseOnce(
  at: Balancing,
  made: Simple,
  outage: Outage,
  limit: number,
): Promise<Loss> {
  const { master } = await settled(at, made);
  await made.untilOperating('', 'ONLINE');
  const clients = startClients(at.lab, {
    ...{ address: made.address, port: 80, perSecond: 50, timeoutMs: 500 },
    ...{ kept: 0, downloads: 0, download: { bytes: 0, ms: 0 } },
  });
  try {
    await serves(clients, now());
    const begun = now();
    await outage.begin(master);
    await until('the API to say DEGRADED', async () => {
      return (await made.read('')).operating_status === 'DEGRADED';
    });
    const degradedMs = now() - begun;
    await serves(clients, begun);
    const asked = now();
    await made.put(`/listeners/${made.listener}`, { connection_limit: limit });
    const changeMs = now() - asked;
    await serves(clients, now());
    const repaired = now();
    const reachable = await outage.repair(master);
    await until('the node to have caught up', async () => {
      const { nodes } = await statusOf(made);
      const own = nodes.find(({ name }) => name === master.name);
      return own?.running !== null && own?.running === own?.wanted;
    });
    const caughtUpMs = Math.max(0, now() - reachable);
    await settled(at, made);
    await sleep(2000);
    const events = await clients.stop();
    const requests = requestsOf(events, 'new');
    const hurt = gapsOf(requests.filter(({ start }) => start > begun - 500 && start < repaired));
    const end = Math.max(begun, ...hurt.map((gap) => gap.end ?? gap.start));
    return {
      ...{ outage: outage.name, master: master.name, degradedMs, changeMs, caughtUpMs },
      downMs: sum(hurt.map((gap) => (gap.end ?? repaired) - gap.start)),
      requests: requests.length,
      failed: sum(hurt.map(({ failed }) => failed)),
      failedAfterRepair: requests.filter(
        ({ start, failure }) => start >= repaired && failure !== undefined,
      ).length,
      lateMs: lateness(events, begun, end + 100),
    };
  } finally {
    await clients.stop().catch(() => undefined);
  }
}

const until = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  waitUntil(what, isSo, { everyMs });

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
