import https from 'node:https';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuNs } from '../../bench/unit.ts';
import { median, ms } from '../../bench/timing.ts';
import { bothOf, type FigureBench, alternately, type Measured, setHeartbeats } from './bench.ts';
import { upTo, type Figure, mb } from './figure.ts';
import { memoryOf } from './processes.ts';

const starts = 5;

/** The time from `systemctl start` to the first answer. */
export async function measureStart(bench: FigureBench): Promise<Figure[]> {
  const { witness, real, ours } = bench;
  const subjects = [real, ours].map((each) => () => timeOfStart(bench, each));
  const { times, lateMs, repeated } = await alternately(witness, starts, subjects);
  const [realMs, oursMs] = times.map(median) as [number, number];
  return [
    {
      what: `first answer after \`systemctl start\` (median of ${starts})`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...upTo(oursMs, 1000, '1 s'),
      lateMs,
      repeated,
    },
  ];
}

async function timeOfStart({ lab }: FigureBench, { node, unit }: Measured): Promise<number> {
  const { client, authority } = lab.trust;
  const [cert, key, ca] = await Promise.all(
    [client.certificate, client.key, authority.certificate].map((path) => readFile(path)),
  );
  await node.run(['systemctl', 'stop', unit]);
  const startedAt = performance.now();
  const started = node.run(['systemctl', 'start', unit]);
  const options = { host: node.address, port: 9443, path: '/', cert, key, ca, agent: false };
  for (;;) {
    const isServed = await new Promise<boolean>((resolve) => {
      https
        .get({ ...options, servername: node.id }, (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        })
        .on('error', () => {
          resolve(false);
        });
    });
    const taken = performance.now() - startedAt;
    if (isServed) {
      await started;
      return taken;
    }
    if (taken > 60_000) throw new Error(`${unit} does not answer.`);
    await sleep(5);
  }
}

const idleSeconds = 60;

/** Memory and CPU of agents that are only configured. The heartbeats are those of a controller's default. */
export async function measureIdle(bench: FigureBench): Promise<Figure[]> {
  await setHeartbeats(bench, 10);
  const both = bothOf(bench);
  await sleep(15_000);
  const begun = performance.now();
  const before = await Promise.all(both.map(({ node, unit }) => cpuNs(node, unit)));
  await sleep(idleSeconds * 1000);
  const after = await Promise.all(both.map(({ node, unit }) => cpuNs(node, unit)));
  const lateMs = bench.witness.worstSince(begun);
  const share = (index: number) =>
    ((after[index] ?? NaN) - (before[index] ?? NaN)) / 1e6 / (10 * idleSeconds);
  const [real, ours] = await Promise.all(both.map(memoryOf));
  if (real === undefined || ours === undefined) throw new Error('Both agents are measured.');
  const common = { lateMs, repeated: 0 };
  const processes = (count: number) => `${count} process${count === 1 ? '' : 'es'}`;
  return [
    {
      what: 'PSS at rest, all processes of the agent',
      real: `${mb(real.pss)} (${processes(real.processes)})`,
      ours: `${mb(ours.pss)} (${processes(ours.processes)})`,
      ...upTo(ours.pss, real.pss, "the real agent's"),
      ...common,
    },
    {
      what: 'RSS at rest, all processes of the agent',
      real: mb(real.rss),
      ours: mb(ours.rss),
      bar: '',
      ...common,
    },
    {
      what: `CPU at rest, over ${idleSeconds} s with heartbeats each 10 s`,
      real: `${share(0).toFixed(2)} % of a core`,
      ours: `${share(1).toFixed(2)} % of a core`,
      ...upTo(share(1), 0.3, '0.3 %'),
      ...common,
    },
  ];
}
