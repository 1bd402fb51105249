import https from 'node:https';

import { forgotten } from '../system/client.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { median, ms, timed, timedInside } from './timing.ts';

const pairs = 15;
const callers = 100;
const loadSeconds = 10;
const status = { route: 'status' };

/**
 * `status` without the cache and with `raw`, and `pcs status`. They alternate, so that both have the same conditions.
 */
export async function measureStatus(bench: Bench): Promise<Findings> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const agent = new https.Agent({ keepAlive: true });
  for (let pair = 0; pair < pairs; pair += 1) {
    await forgotten();
    ours.push(await timed(() => ask(bench, status, agent)));
    theirs.push((await timedInside(bench.node, ['pcs', 'status'])) ?? NaN);
  }
  agent.destroy();
  const ratio = median(ours.map((each, index) => each / (theirs[index] ?? NaN)));
  return {
    figures: [
      {
        what: `\`GET status\`, not cached, with \`raw\`, compared with \`pcs status\` (medians of ${pairs} pairs)`,
        measured: `${ms(median(ours))} against ${ms(median(theirs))}: ${ratio.toFixed(2)} of its time`,
        bar: 'under 0.2',
        held: ratio < 0.2,
      },
    ],
  };
}

/** How often crm_mon is started while many callers ask without a pause. */
export async function measureLoad(bench: Bench): Promise<Findings> {
  const { node } = bench;
  const log = '/run/crm_mon.starts';
  await node.run(['mv', '/usr/sbin/crm_mon', '/usr/sbin/crm_mon.real']);
  const counting = `#!/bin/sh\ndate +%s%N >> ${log}\nexec /usr/sbin/crm_mon.real "$@"\n`;
  await node.writeFile('/usr/sbin/crm_mon', counting, 0o755);
  try {
    const agent = new https.Agent({ keepAlive: true, maxSockets: callers });
    const endsAt = Date.now() + loadSeconds * 1000;
    let answers = 0;
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (Date.now() < endsAt) {
          await ask(bench, status, agent);
          answers += 1;
        }
      }),
    );
    agent.destroy();
    const starts = (await node.run(['cat', log]))
      .trim()
      .split('\n')
      .map((line) => Number(line) / 1e9);
    const max = Math.max(
      ...starts.map((from) => starts.filter((at) => at >= from && at < from + 1).length),
    );
    return {
      figures: [
        {
          what: `\`crm_mon\` runs while ${callers} callers ask for \`status\` for ${loadSeconds} s (${answers} answers)`,
          measured: `${starts.length} runs, at most ${max} in any second`,
          bar: 'at most 3 a second',
          held: max <= 3,
        },
      ],
    };
  } finally {
    await node.run(['mv', '/usr/sbin/crm_mon.real', '/usr/sbin/crm_mon']);
    await node.run(['rm', '-f', log]);
  }
}
