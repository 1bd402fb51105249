// Loses the node that has the VIP of a load balancer, again and again:
//   npm run balancer:failover -- --tries 20 [--suites bookworm,bookworm,bookworm] [--outages power,network] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed.
import { Command } from 'commander';

import { openTries } from '../amphora-bench/tries.ts';
import { makeAwayFromController } from '../balancer-system/nodes.ts';
import { suitesOf } from '../lab/root.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { failoverReport, maxLateMs } from './failover-report.ts';
import { withBalancing } from './lab.ts';
import { type Loss, loseOnce } from './one-loss.ts';
import { type Outage, outages } from './outages.ts';

interface Options {
  suites: string;
  tries: string;
  outages: string;
  minutes: string;
  name: string;
  fresh?: boolean;
}

const options = new Command('npm run balancer:failover --')
  .option('--suites <list>', 'the Debian of each of three hosts', 'bookworm,bookworm,bookworm')
  .option('--tries <count>', 'of each outage', '20')
  .option('--outages <names>', 'which', outages.map(({ name }) => name).join(','))
  .option('--minutes <count>', 'after which it begins with nothing more', '90')
  .option('--name <name>', 'of the lab', 'balancer-failover')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

const count = Number(options.tries);
const asked = outages.filter(({ name }) => options.outages.split(',').includes(name));
const tries = await openTries<Loss>(
  `balancer-failover-${options.suites.replaceAll(',', '-')}`,
  options.fresh === true,
);
const end = performance.now() + Number(options.minutes) * 60_000;
const found = ({ name }: Outage) => tries.done.filter(({ outage }) => outage === name);
/** Late tries are repeated, and a busy machine does not hold the command up for ever. */
const isWanting = (outage: Outage) =>
  found(outage).filter(({ lateMs }) => lateMs <= maxLateMs).length < count &&
  found(outage).length < 3 * count &&
  performance.now() < end;

if (asked.some(isWanting)) {
  await withBalancing(options.name, suitesOf(options.suites), async (at) => {
    const made = await makeAwayFromController(at);
    for (const outage of asked) {
      while (isWanting(outage)) {
        await step(progressOnStderr, `${outage.title} (${found(outage).length + 1})`, async () => {
          const loss = await loseOnce(at, made, outage, 300 + (tries.done.length % 100));
          await tries.add(loss);
          const { downMs, degradedMs, changeMs, caughtUpMs, failedAfterRepair, lateMs } = loss;
          progressOnStderr(
            `  ${JSON.stringify({ downMs, degradedMs, changeMs, caughtUpMs, failedAfterRepair, lateMs })}`,
          );
        });
      }
    }
  });
}

const { text, areHeld } = failoverReport(options.suites, tries.done);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!asked.some(isWanting)) await tries.forget();
