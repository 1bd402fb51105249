// Measures how long nobody answers at a virtual address when its host fails, for a client that asks every 5 ms:
//   npm run gateway:takeover -- --suites bookworm,bookworm,bookworm --tries 20 [--outages stop,power] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed.
import { Command, InvalidArgumentError } from 'commander';

import { openTries } from '../amphora-bench/tries.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { suitesOf } from '../lab/root.ts';
import { startAsking } from './asking.ts';
import { makeGroup, withGateway } from './lab.ts';
import { type Measured, type TakeOver, takeOverOnce } from './one-takeover.ts';
import { interval, type Outage, outages } from './outages.ts';
import { servicePort, startService } from './service.ts';
import { maxLateMs, takeOverReport } from './takeover-report.ts';

interface Options {
  suites: string;
  tries: string;
  outages: readonly Outage[];
  name: string;
  fresh?: boolean;
}

const options = new Command('npm run gateway:takeover --')
  .option('--suites <list>', 'the Debian of each of three hosts', 'bookworm,bookworm,bookworm')
  .option('--tries <count>', 'of each outage', '20')
  .option('--outages <names>', 'which (default: all)', outagesOf, outages)
  .option('--name <name>', 'of the lab', 'takeover')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

const count = Number(options.tries);
const asked = options.outages;
const tries = await openTries<TakeOver>(
  `gateway-takeover-${options.suites.replaceAll(',', '-')}`,
  options.fresh === true,
);
const found = (outage: Outage) => tries.done.filter((each) => each.outage === outage.name);
const good = (outage: Outage) =>
  found(outage).filter(({ takeOver: { lateMs } }) => lateMs <= maxLateMs.takeOver);
/** Late tries are repeated, and a busy machine does not hold the command up for ever. */
const isWanting = (outage: Outage) =>
  good(outage).length < count && found(outage).length < 3 * count;

function outagesOf(text: string): Outage[] {
  return text.split(',').map((wanted) => {
    const found = outages.find(({ name }) => name === wanted);
    if (found) return found;
    const names = outages.map(({ name }) => name).join(', ');
    throw new InvalidArgumentError(`"${wanted}" is none of ${names}.`);
  });
}

async function measure(measured: Measured, outage: Outage): Promise<void> {
  const { gateway, group } = measured;
  await gateway.call('PUT', `/1/virtual_groups/${group}`, { preempt: outage.preempt });
  while (isWanting(outage)) {
    await step(progressOnStderr, `${outage.title} (${found(outage).length + 1})`, async () => {
      const result = await takeOverOnce(measured, outage);
      await tries.add(result);
      const { takeOver: lost, comeBack: back } = result;
      progressOnStderr(
        `  ${lost.ms.toFixed(0)} ms (late ${lost.lateMs.toFixed(0)}), back ${back.ms.toFixed(0)} ms (late ${back.lateMs.toFixed(0)})`,
      );
    });
  }
}

if (asked.some(isWanting)) {
  await withGateway(options.name, suitesOf(options.suites), async (gateway) => {
    const address = gateway.lab.address(1);
    for (const node of gateway.lab.nodes) await startService(node, address);
    const group = await makeGroup(gateway, { address, interval, preempt: true });
    const asking = startAsking({ address, port: servicePort, everyMs: 5, timeoutMs: 250 });
    try {
      for (const outage of asked) await measure({ gateway, asking, group, address }, outage);
    } finally {
      await asking.stop();
    }
  });
}

const { text, areHeld } = takeOverReport(options.suites, tries.done);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!asked.some(isWanting)) await tries.forget();
