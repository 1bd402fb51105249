// Measures how soon the API tells that members have died or returned:
//   npm run balancer:truth -- --tries 20 [--suites bookworm,bookworm,bookworm] [--minutes 90] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed.
import { Command } from 'commander';

import { startWitness } from '../amphora-bench/figures/witness.ts';
import { openTries } from '../amphora-bench/tries.ts';
import { makeSimple } from '../balancer-system/making.ts';
import { percentile } from '../bench/timing.ts';
import { suitesOf } from '../lab/root.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { withBalancing } from './lab.ts';
import { type Death, type DeathResult, deaths, dieOnce, monitor } from './one-death.ts';
import { type Report, reportOf, type Row, seconds, worst } from './report.ts';

interface Options {
  suites: string;
  tries: string;
  minutes: string;
  name: string;
  fresh?: boolean;
}

const options = new Command('npm run balancer:truth --')
  .option('--suites <list>', 'the Debian of each of three hosts', 'bookworm,bookworm,bookworm')
  .option('--tries <count>', 'of each death', '20')
  .option('--minutes <count>', 'after which it begins with nothing more', '90')
  .option('--name <name>', 'of the lab', 'balancer-truth')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

/** What happened while the machine stood still for longer than this does not count. */
const maxLateMs = 100;
/** Both bars include the interval of heartbeats, and a second. */
const moreMs = 1000 + 1000;
const barMs = {
  death: 1000 * (monitor.delay * monitor.fall_threshold + monitor.timeout) + moreMs,
  back: 1000 * (monitor.delay * monitor.rise_threshold + monitor.timeout) + moreMs,
};

const count = Number(options.tries);
const tries = await openTries<DeathResult>(
  `balancer-truth-${options.suites.replaceAll(',', '-')}`,
  options.fresh === true,
);
const end = performance.now() + Number(options.minutes) * 60_000;
const found = ({ name }: Death) => tries.done.filter(({ death }) => death === name);
const isWanting = (death: Death) =>
  found(death).filter(({ lateMs }) => lateMs <= maxLateMs).length < count &&
  found(death).length < 3 * count &&
  performance.now() < end;

function rowsOf(death: Death): Row[] {
  const all = found(death);
  const good = all.filter(({ lateMs }) => lateMs <= maxLateMs);
  const row = (what: string, key: 'memberMs' | 'aboveMs' | 'backMs', maxMs: number): Row => {
    const times = good.map((each) => each[key]);
    return {
      what: `${what} (p50, worst of ${times.length})`,
      measured: `${seconds(percentile(times, 0.5))}, ${seconds(worst(times))}`,
      ...{ bar: seconds(maxMs), isHeld: times.length > 0 && worst(times) <= maxMs },
    };
  };
  return [
    row(`${death.title}: the member is ERROR`, 'memberMs', barMs.death),
    row('pool and load balancer say so', 'aboveMs', barMs.death),
    row('all are ONLINE after the return', 'backMs', barMs.back),
    {
      what: `left out, because the witness was late by more than ${maxLateMs} ms`,
      measured: `${all.length - good.length}`,
    },
  ];
}

const report = (): Report => reportOf(options.suites, deaths.flatMap(rowsOf));

if (deaths.some(isWanting)) {
  await withBalancing(options.name, suitesOf(options.suites), async (at) => {
    const witness = startWitness();
    const made = await makeSimple(at, {
      monitor: { type: 'HTTP', url_path: '/health', ...monitor },
    });
    try {
      for (const death of deaths) {
        while (isWanting(death)) {
          await step(progressOnStderr, `${death.title} (${found(death).length + 1})`, async () => {
            const result = await dieOnce(at, made, witness, death);
            await tries.add(result);
            progressOnStderr(`  ${JSON.stringify(result)}`);
          });
        }
      }
    } finally {
      await witness.stop();
    }
  });
}

const { text, areHeld } = report();
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!deaths.some(isWanting)) await tries.forget();
