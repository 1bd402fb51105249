import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, type Bench, type Findings, restartAgent } from './subject.ts';
import { cpuNs } from './unit.ts';

const seconds = 300;
/** After this time, nothing that the requests started is still running. */
const settleSeconds = 15;
const limitPercent = 0.5;

/** The agent's use of a node while there are no requests, and nothing happens in the cluster. */
export async function measureIdle(bench: Bench): Promise<Findings> {
  await restartAgent(bench);
  const agent = new https.Agent({ keepAlive: true });
  for (const route of bench.routes) await ask(bench, route, agent);
  agent.destroy();
  await sleep(settleSeconds * 1000);

  const startedAt = performance.now();
  const before = await cpuNs(bench.node);
  await sleep(seconds * 1000);
  const usedMs = ((await cpuNs(bench.node)) - before) / 1e6;
  const percent = (usedMs / (performance.now() - startedAt)) * 100;
  return {
    figures: [
      {
        what: `CPU of the agent and its commands in ${seconds} s without a request, after one request of each kind`,
        measured: `${percent.toFixed(2)} % of one core`,
        bar: `under ${limitPercent} %`,
        held: percent < limitPercent,
      },
    ],
  };
}
