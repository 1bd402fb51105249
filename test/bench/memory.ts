import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, type Bench, type Findings, restartAgent } from './subject.ts';
import { ms, timed } from './timing.ts';
import { residentMb } from './unit.ts';

const requests = 10_000;
/** The requests are spread over this time, because one reading of the cluster serves all requests of a second. */
const minSeconds = 100;
const limitMb = 150;

/** The agent's resident memory after many requests of every kind, from a fresh start. */
export async function measureMemory(bench: Bench): Promise<Findings> {
  await restartAgent(bench);
  const fresh = await residentMb(bench.node);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 20 });
  const perTick = requests / (minSeconds * 10);
  const taken = await timed(async () => {
    for (let sent = 0; sent < requests; sent += perTick) {
      const tick = sleep(100);
      const next = Array.from({ length: perTick }, (_, index) => nth(bench, sent + index));
      await Promise.all(next.map((route) => ask(bench, route, agent)));
      await tick;
    }
  });
  agent.destroy();
  const used = await residentMb(bench.node);
  return {
    figures: [
      {
        what: `resident memory after ${requests} requests, to each route in turn, in ${ms(taken)} (${mb(fresh.agent)} at the start)`,
        measured: `${mb(used.agent)}; its helper processes ${mb(used.others)}`,
        bar: `under ${limitMb} MB`,
        held: used.agent < limitMb,
      },
    ],
  };
}

function nth({ routes }: Bench, index: number): Bench['routes'][number] {
  const route = routes[index % routes.length];
  if (route === undefined) throw new Error('There are no routes to ask.');
  return route;
}

const mb = (value: number) => `${value.toFixed(1)} MB`;
