import { setTimeout as sleep } from 'node:timers/promises';

import { cpuNs } from '../../bench/unit.ts';
import { median, ms } from '../../bench/timing.ts';
import { balancer, balancerId } from './balancers.ts';
import {
  bothOf,
  type FigureBench,
  alternately,
  type Measured,
  plugBoth,
  setHeartbeats,
  timeOf,
} from './bench.ts';
import { change, configure, removeBalancers, sizes } from './changes.ts';
import { upTo, type Figure, mb } from './figure.ts';
import { memoryOf } from './processes.ts';

const heartbeatSeconds = 60;
const maxRssKb = 140e6 / 1024;
const maxHeartbeatMs = 30;
const rounds = 15;

const large = sizes.find(({ listeners }) => listeners === 500) ?? {
  number: 3,
  listeners: 500,
  firstPort: 3000,
  rounds: 7,
};

/** 500 listeners in one load balancer. Its upload and reload are a step of their own. */
export async function measureLarge(bench: FigureBench): Promise<Figure[]> {
  // A heartbeat has room for no more than 500 listeners.
  await removeBalancers(bench, allSizes);
  await configure(bench, large);
  const what = '500 listeners in one load balancer';
  return [
    ...(await statesOf(bench, what)),
    ...(await beatingOf(bench, what)),
    ...(await deleteOf(bench, what, [large.number])),
  ];
}

const allSizes = sizes.map(({ number }) => number);

const small = { first: 100, count: 50, listeners: 10 };

/** 50 load balancers of 10 listeners. */
export async function measureMany(bench: FigureBench): Promise<Figure[]> {
  const { driver, witness, real, ours } = bench;
  await plugBoth(bench);
  await removeBalancers(bench, allSizes);
  const numbers = Array.from({ length: small.count }, (_, index) => small.first + index);
  let config = '';
  for (const [index, number] of numbers.entries()) {
    await driver.play(
      balancer({ number, listeners: small.listeners, firstPort: 10_000 + 20 * index }),
    );
    for (const { amphora } of bothOf(bench)) {
      const { exchanges } = await driver.play({ do: 'update_amphora_listeners', amphora });
      config = exchanges.find(({ path }) => path.endsWith('/haproxy'))?.sent ?? '';
    }
  }
  const last = numbers.at(-1) ?? small.first;
  const what = `${small.count} load balancers of ${small.listeners} listeners`;
  const of = (who: Measured) => async (round: number) => {
    const text = config.replace(/timeout client \d+/, `timeout client ${70_001 + round}`);
    const { upload, reload } = await change(bench, who, last, text);
    return upload + reload;
  };
  const { times, lateMs, repeated } = await alternately(witness, rounds, [of(real), of(ours)]);
  const [realMs, oursMs] = times.map(median) as [number, number];
  return [
    {
      what: `${what}: upload and reload of one of them (median of ${rounds})`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...upTo(oursMs, realMs, "the real agent's"),
      lateMs,
      repeated,
    },
    ...(await statesOf(bench, what)),
    ...(await beatingOf(bench, what)),
    ...(await deleteOf(bench, what, numbers)),
  ];
}

async function statesOf(bench: FigureBench, what: string): Promise<Figure[]> {
  const { driver, witness, real, ours } = bench;
  const figures: Figure[] = [];
  for (const path of ['listeners', 'details']) {
    const of = (who: Measured) => () =>
      timeOf(driver, who, { method: 'GET', path: `/1.0/${path}` });
    const { times, lateMs, repeated } = await alternately(witness, rounds, [of(real), of(ours)]);
    const [realMs, oursMs] = times.map(median) as [number, number];
    figures.push({
      what: `${what}: \`GET ${path}\` (median of ${rounds})`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...(path === 'listeners'
        ? upTo(oursMs, realMs, "the real agent's")
        : upTo(oursMs, realMs / 2, "0.5 of the real agent's")),
      lateMs,
      repeated,
    });
  }
  return figures;
}

/** Memory, and the CPU of one heartbeat, with one each second. */
async function beatingOf(bench: FigureBench, what: string): Promise<Figure[]> {
  await setHeartbeats(bench, 1);
  const both = bothOf(bench);
  // The memory is that of these listeners, and not of the uploads before.
  await Promise.all(both.map(({ node, unit }) => node.run(['systemctl', 'restart', unit])));
  await sleep(20_000);
  const begun = performance.now();
  const before = await Promise.all(both.map(({ node, unit }) => cpuNs(node, unit)));
  await sleep(heartbeatSeconds * 1000);
  const after = await Promise.all(both.map(({ node, unit }) => cpuNs(node, unit)));
  const common = { lateMs: bench.witness.worstSince(begun), repeated: 0 };
  const [realMs = NaN, oursMs = NaN] = both.map(
    (_, index) => ((after[index] ?? NaN) - (before[index] ?? NaN)) / 1e6 / heartbeatSeconds,
  );
  const [real, ours] = await Promise.all(both.map(memoryOf));
  await setHeartbeats(bench, 10);
  const rss = ours?.rss ?? NaN;
  return [
    {
      what: `${what}: RSS with a heartbeat each second`,
      real: mb(real?.rss ?? NaN),
      ours: mb(rss),
      ...upTo(rss, maxRssKb, '140 MB'),
      ...common,
    },
    {
      what: `${what}: CPU of a heartbeat (all CPU of ${heartbeatSeconds} s with one each second)`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...upTo(oursMs, maxHeartbeatMs, ms(maxHeartbeatMs)),
      ...common,
    },
  ];
}

/** Deletes load balancers, and says how long one takes. */
async function deleteOf(
  { driver, witness, real, ours }: FigureBench,
  what: string,
  numbers: readonly number[],
): Promise<Figure[]> {
  const begun = performance.now();
  const times = { real: [] as number[], ours: [] as number[] };
  for (const number of numbers) {
    for (const who of [real, ours]) {
      const path = `/1.0/listeners/${balancerId(number)}`;
      times[who.name].push(await timeOf(driver, who, { method: 'DELETE', path }));
    }
  }
  return [
    {
      what: `${what}: \`DELETE\` of one (median of ${numbers.length})`,
      real: ms(median(times.real)),
      ours: ms(median(times.ours)),
      ...upTo(median(times.ours), median(times.real), "the real agent's"),
      lateMs: witness.worstSince(begun),
      repeated: 0,
    },
  ];
}
