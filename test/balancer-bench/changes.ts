// Measures how long load balancers take to be made and to be changed, under load:
//   npm run balancer:changes -- --changes 200 --firsts 10 [--suites bookworm,bookworm,bookworm] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed.
import { Command } from 'commander';

import { startWitness } from '../amphora-bench/figures/witness.ts';
import { openTries } from '../amphora-bench/tries.ts';
import type { Balancing } from '../balancer-system/bench.ts';
import { suitesOf } from '../lab/root.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { changesReport, maxLateMs } from './changes-report.ts';
import { changesUnderLoad } from './changing.ts';
import { type ChangesResult, firstByte, warmUp } from './first-byte.ts';
import { withBalancing } from './lab.ts';

interface Options {
  suites: string;
  changes: string;
  firsts: string;
  minutes: string;
  name: string;
  fresh?: boolean;
}

const options = new Command('npm run balancer:changes --')
  .option('--suites <list>', 'the Debian of each of three hosts', 'bookworm,bookworm,bookworm')
  .option('--changes <count>', 'under load', '200')
  .option('--firsts <count>', 'load balancers to make', '10')
  .option('--minutes <count>', 'after which it begins with nothing more', '90')
  .option('--name <name>', 'of the lab', 'balancer-changes')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

/** Changes during one run of the clients. */
const batch = 20;

const wanted = { first: Number(options.firsts), change: Number(options.changes) };
const tries = await openTries<ChangesResult>(
  `balancer-changes-${options.suites.replaceAll(',', '-')}`,
  options.fresh === true,
);
const end = performance.now() + Number(options.minutes) * 60_000;

function isWanting(kind: 'first' | 'change'): boolean {
  const found = tries.done.filter((each) => each.kind === kind);
  const good = found.filter(({ lateMs }) => lateMs <= maxLateMs);
  return good.length < wanted[kind] && found.length < 3 * wanted[kind] && performance.now() < end;
}

async function measure(at: Balancing): Promise<void> {
  const witness = startWitness();
  try {
    await step(progressOnStderr, 'A load balancer on each pair of nodes', () => warmUp(at));
    while (isWanting('first')) {
      const result = await firstByte(at, witness);
      await tries.add(result);
      progressOnStderr(`  first byte after ${result.ms.toFixed(0)} ms`);
    }
    while (isWanting('change')) {
      await step(progressOnStderr, `${batch} changes under load`, async () => {
        for (const result of await changesUnderLoad(at, witness, batch)) await tries.add(result);
      });
    }
  } finally {
    await witness.stop();
  }
}

if (isWanting('first') || isWanting('change')) {
  await withBalancing(options.name, suitesOf(options.suites), measure);
}

const { text, areHeld } = changesReport(options.suites, tries.done);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!isWanting('first') && !isWanting('change')) await tries.forget();
