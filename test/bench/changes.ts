import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LabNode } from '../lab/lab.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { ms, percentile } from './timing.ts';

const pollMs = 10;
/** Longer than any answer stays in the agent's cache. */
const deadlineMs = 15_000;
const limitMs = 1000;
/**
 * After a change, the agent asks the cluster more often for about 6 s. Then it trusts the silence of the cluster again.
 * Every third change comes after that time.
 */
const quietMs = 7000;

/** A way to change the configuration, and where the API shows it. The value is a number that grows. */
interface Way {
  /** A shell command that uses the value in `$value`. */
  command: string;
  route: string;
  valueIn: (answer: unknown) => string | undefined;
  /** The number of changes that follow each other without a pause, and the number of such series. */
  burst: number;
  times: number;
}

const batchLimit = {
  route: 'property/batch-limit/details',
  valueIn: (answer: unknown) =>
    (answer as Partial<Record<string, { value: string }>>)['batch-limit']?.value,
};

const ways: readonly Way[] = [
  { ...batchLimit, command: 'pcs property set batch-limit=$value', burst: 1, times: 27 },
  {
    route: 'resource/NFS/details',
    valueIn: (answer) =>
      (answer as { meta: Record<string, string> }[])[0]?.meta['resource-stickiness'],
    command: 'pcs resource meta NFS resource-stickiness=$value',
    burst: 1,
    times: 27,
  },
  {
    ...batchLimit,
    command: 'crm_attribute --type crm_config --name batch-limit --update $value',
    burst: 5,
    times: 12,
  },
];

/** The time from a change until the API shows it. */
export async function measureChanges(bench: Bench): Promise<Findings> {
  const agent = new https.Agent({ keepAlive: true });
  const lags: number[] = [];
  let value = 1000;
  for (const way of ways) {
    for (let time = 0; time < way.times; time += 1) {
      const values = Array.from({ length: way.burst }, (_, index) => value + index + 1);
      value += way.burst;
      // The pause is random, so that it is not in step with the agent's periodic work.
      await sleep(Math.random() * 1000 + (time % 3 === 0 ? quietMs : 0));
      lags.push(...(await lagsOf(bench, way, values, agent)));
    }
  }
  agent.destroy();
  await bench.node.run(['pcs', 'property', 'set', 'batch-limit=']);
  await bench.node.run(['pcs', 'resource', 'meta', 'NFS', 'resource-stickiness=100']);

  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(lags, share));
  return {
    figures: [
      {
        what: `time from a change to the first answer that shows it (${lags.length} changes: half with pcs, half in bursts of \`crm_attribute\`, some after a quiet time)`,
        measured: `p50 ${ms(p50 ?? NaN)}, p99 ${ms(p99 ?? NaN)}, at most ${ms(max ?? NaN)}`,
        bar: `p99 at most ${ms(limitMs)}`,
        held: (p99 ?? NaN) <= limitMs,
      },
    ],
  };
}

/**
 * Milliseconds from the end of each command to the first answer with its value or a later one. It is 0 if that answer
 * came before the command ended.
 */
async function lagsOf(
  bench: Bench,
  way: Way,
  values: readonly number[],
  agent: https.Agent,
): Promise<number[]> {
  // Fills the cache, so that the changes make it stale.
  await ask(bench, way, agent);
  const [madeAt, seenAt] = await Promise.all([
    makeChanges(bench.node, way.command, values),
    seeChanges(bench, way, values, agent),
  ]);
  return values.map((_, index) => Math.max(0, (seenAt[index] ?? NaN) - (madeAt[index] ?? NaN)));
}

/** Makes one change after another. @returns when each command ended, in milliseconds of the clock */
async function makeChanges(
  node: LabNode,
  command: string,
  values: readonly number[],
): Promise<number[]> {
  const script = `set -e; for value; do ${command} >/dev/null; echo $EPOCHREALTIME; done`;
  const printed = await node.run(['bash', '-c', script, 'bash', ...values.map(String)]);
  return printed
    .trim()
    .split('\n')
    .map((seconds) => Number(seconds) * 1000);
}

/**
 * Polls until the last value is there. @returns the time when each value was first seen, or the deadline for a value
 * that never appeared
 */
async function seeChanges(
  bench: Bench,
  { route, valueIn }: Way,
  values: readonly number[],
  agent: https.Agent,
): Promise<number[]> {
  const seenAt: number[] = [];
  const giveUpAt = Date.now() + deadlineMs;
  while (seenAt.length < values.length && Date.now() < giveUpAt) {
    const pause = sleep(pollMs);
    const { json } = await ask(bench, { route }, agent);
    const now = Date.now();
    const shown = Number(valueIn(json));
    // A value also counts as shown if the next one has replaced it.
    while (shown >= (values[seenAt.length] ?? Infinity)) seenAt.push(now);
    await pause;
  }
  return values.map((_, index) => seenAt[index] ?? giveUpAt);
}
