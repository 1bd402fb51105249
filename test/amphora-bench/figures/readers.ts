import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

import { median, ms, percentile } from '../../bench/timing.ts';
import { type FigureBench, maxLateMs, type Measured } from './bench.ts';
import { change, configure, sizes } from './changes.ts';
import { upTo, type Figure } from './figure.ts';
import type { ReaderPlan, ReaderResult } from './reader-process.ts';

const readers = 20;
const seconds = 20;
const maxMs = 25;
const [, size] = sizes;

/** How long 20 readers wait while a load balancer is reloaded without a pause. */
export async function measureReaders(bench: FigureBench): Promise<Figure[]> {
  if (size === undefined) return [];
  const config = await configure(bench, size);
  const real = await readDuringReloads(bench, bench.real, config);
  const ours = await readDuringReloads(bench, bench.ours, config);
  const shown = ({ times, reloads, failures, left }: Reading) =>
    `${ms(percentile(times, 0.99))} (median ${ms(median(times))}, ${times.length} answers, ${reloads} reloads, ${failures} failed, ${left} left out)`;
  return [
    {
      what: `p99 of ${readers} readers that ask five times a second each, while a load balancer of ${size.listeners} listeners is uploaded and reloaded for ${seconds} s`,
      real: shown(real),
      ours: shown(ours),
      ...upTo(percentile(ours.times, 0.99), maxMs, ms(maxMs)),
      lateMs: Math.max(real.lateMs, ours.lateMs),
      repeated: real.left + ours.left,
    },
  ];
}

interface Reading {
  times: number[];
  reloads: number;
  failures: number;
  lateMs: number;
  /** Answers during which the machine stood still, or the readers themselves were late. */
  left: number;
}

async function readDuringReloads(
  bench: FigureBench,
  who: Measured,
  config: string,
): Promise<Reading> {
  const { client, authority } = bench.lab.trust;
  const plan: ReaderPlan = {
    host: who.node.address,
    serverName: who.node.id,
    certificate: client.certificate,
    key: client.key,
    authority: authority.certificate,
    readers,
    perSecond: 5,
    paths: ['/', '/1.0/info', '/1.0/details', '/1.0/listeners'],
  };
  const program = new URL('reader-process.ts', import.meta.url).pathname;
  const tsx = import.meta.resolve('tsx');
  // What measures must not wait for what is measured.
  const argv = ['--adjustment=-10', process.execPath, '--import', tsx, program];
  const child = spawn('nice', [...argv, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const printed = text(child.stdout);
  await sleep(5000);
  const begun = Number(process.hrtime.bigint()) / 1e6;
  let reloads = 0;
  while (Number(process.hrtime.bigint()) / 1e6 - begun < seconds * 1000) {
    const another = config.replace(/timeout client \d+/, `timeout client ${60_001 + reloads}`);
    await change(bench, who, size?.number ?? 0, another);
    reloads += 1;
  }
  child.stdin.end();
  const { answers, failures, late } = JSON.parse(await printed) as ReaderResult;
  const standstills = late.filter(([, delay]) => delay > maxLateMs);
  const during = answers.filter(([start]) => start >= begun);
  const counted = during.filter(
    ([start, duration]) =>
      !standstills.some(([at, delay]) => at > start && at - delay < start + duration),
  );
  return {
    times: counted.map(([, duration]) => duration),
    reloads,
    failures: failures.length,
    lateMs: Math.max(
      0,
      ...late.filter(([at, delay]) => at >= begun && delay <= maxLateMs).map(([, delay]) => delay),
    ),
    left: during.length - counted.length,
  };
}
