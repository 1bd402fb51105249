import https from 'node:https';

import { untilHealthy } from '../system/client.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { median, ms } from './timing.ts';

const rounds = 5;

/** The time from `systemctl start` to the first answer of the process, and to the first one with the cluster's state. */
export async function measureStart(bench: Bench): Promise<Findings> {
  const { node } = bench;
  const first: number[] = [];
  const status: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await node.run(['systemctl', 'stop', 'ha-agent']);
    const startedAt = performance.now();
    const started = node.run(['systemctl', 'start', 'ha-agent']);
    await untilHealthy(node);
    first.push(performance.now() - startedAt);
    await ask(bench, { route: 'status' }, https.globalAgent);
    status.push(performance.now() - startedAt);
    await started;
  }
  return {
    figures: [
      {
        what: `time from \`systemctl start\` to the first answer (median of ${rounds})`,
        measured: `${ms(median(first))}; with \`status\` ${ms(median(status))}`,
        bar: 'under 1 s',
        held: median(first) < 1000,
      },
    ],
  };
}
