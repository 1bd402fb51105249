import { setTimeout as sleep } from 'node:timers/promises';

import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { waitUntil } from '../lab/wait.ts';
import { gapsOf, lateness, requestsOf, serves, startClients } from './clients.ts';
import { type LoadPlan, now } from './load-events.ts';
import type { Outage } from './outages.ts';
import { hasVip, type Pair } from './pair.ts';

export interface TryResult {
  outage: string;
  /** Who wrote the configuration of keepalived. */
  driver: string;
  /** The node that had the VIP. */
  master: string;
  /** The sum of the times in which no new connection was served, from the outage to its repair. */
  downMs: number;
  barMs: number;
  requests: number;
  failed: number;
  /** Requests that failed between the repair and the end. */
  failedAfterRepair: number;
  /** How late the witness woke up at worst while there was no service. */
  lateMs: number;
  /** What was not as it has to be. */
  problems: string[];
}

const plan: LoadPlan = {
  address: tenant.vip.address,
  port: 80,
  perSecond: 50,
  timeoutMs: 500,
  kept: 0,
  downloads: 0,
  download: { bytes: 0, ms: 0 },
};

/** Hurts the host that has the VIP, measures the time without service, and repairs the host. */
export async function tryOnce(
  lab: AmphoraLab,
  pair: Pair,
  { outage, driver }: { outage: Outage; driver: string },
): Promise<TryResult> {
  const { master, standby } = await pair.settled();
  const clients = startClients(lab, plan);
  try {
    await serves(clients, now());
    const begun = now();
    await outage.begin(master);
    await sleep(outage.movesVip ? 1000 : 2500);
    if (outage.movesVip) await waitUntil('the failover', () => hasVip(standby));
    await serves(clients, now());
    const repaired = now();
    const during = await holdersOf(pair, outage.keepsVip ? [master] : []);
    await outage.repair(master);
    const after = await pair.settled();
    const events = await clients.stop();
    const requests = requestsOf(events, 'new');
    const hurt = gapsOf(requests.filter(({ start }) => start > begun - 500 && start < repaired));
    const end = Math.max(begun, ...hurt.map((gap) => gap.end ?? gap.start));
    const barMs = outage.barMs(skewMs(lab, standby));
    const downMs = sum(hurt.map((gap) => (gap.end ?? repaired) - gap.start));
    const taker = outage.movesVip ? standby : master;
    const heir = outage.keepsVip ? lab.nodes[0] : taker;
    return {
      outage: outage.name,
      driver,
      master: master.name,
      downMs,
      barMs,
      requests: requests.length,
      failed: sum(hurt.map(({ failed }) => failed)),
      failedAfterRepair: requests.filter(
        ({ start, failure }) => start >= repaired && failure !== undefined,
      ).length,
      lateMs: lateness(events, begun, end + 100),
      problems: [
        ...expected('the VIP during the outage', during, taker.name),
        ...expected('the VIP after the repair', [after.master.name], heir?.name ?? ''),
        ...(downMs > barMs ? [`${downMs.toFixed(0)} ms without service`] : []),
      ],
    };
  } finally {
    await clients.stop().catch(() => undefined);
  }
}

/** The names of the holders, without those that nobody can reach. */
async function holdersOf(pair: Pair, unreachable: readonly AmphoraNode[]): Promise<string[]> {
  const cut = new Set(unreachable.map(({ name }) => name));
  return (await pair.holders()).map(({ name }) => name).filter((name) => !cut.has(name));
}

const expected = (what: string, found: readonly string[], wanted: string): string[] =>
  found.join() === wanted ? [] : [`${what} is on ${found.join() || 'no host'}, not on ${wanted}`];

/** The driver's priorities are 100 and 90, in the order of the nodes. */
const skewMs = (lab: AmphoraLab, node: AmphoraNode): number =>
  ((256 - (100 - 10 * lab.nodes.findIndex(({ name }) => name === node.name))) / 256) * 1000;

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
