// Measures what the node part costs ha-amphora while nothing happens: npm run node:cost -- --suite bookworm [--seconds 60]
import { setTimeout as sleep } from 'node:timers/promises';

import { Command, Option } from 'commander';

import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { cpuNs } from '../bench/unit.ts';
import { aloneInstance, allMaster, type DirectNode } from './direct-node.ts';
import { withNode } from './with-node.ts';

const options = new Command('npm run node:cost --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--seconds <count>', 'of each measurement', '60')
  .option('--instances <count>', '', '3')
  .parse()
  .opts<{ suite: Suite; seconds: string; instances: string }>();

const unit = 'ha-amphora';
const maxShare = 0.5;

/** The agent answers a controller that waits for reports all the time. */
async function poll(direct: DirectNode, isOver: () => boolean): Promise<void> {
  let last = await direct.report();
  while (!isOver()) {
    last = await direct.report({ sequence: last.sequence, boot: last.boot });
    await sleep(50);
  }
}

async function measure(direct: DirectNode, what: string): Promise<number> {
  const seconds = Number(options.seconds);
  const before = await cpuNs(direct.node, unit);
  await sleep(seconds * 1000);
  const share = ((await cpuNs(direct.node, unit)) - before) / 1e7 / seconds;
  const sizes = await direct.node.run([
    'sh',
    '-c',
    `for p in $(cat /sys/fs/cgroup$(systemctl show --value -p ControlGroup ${unit})/cgroup.procs); do echo $(cat /proc/$p/comm) $(grep -h VmRSS /proc/$p/status) CPU $(cut -d' ' -f14,15 /proc/$p/stat); done`,
  ]);
  console.log(`${what}: ${share.toFixed(2)} % of a core; ${sizes.trim().replaceAll('\n', '; ')}`);
  return share;
}

await withNode(`cost-${options.suite}`, options.suite, async (direct, lab) => {
  const count = Number(options.instances);
  const instances = Array.from({ length: count }, (_, at) => aloneInstance(lab, at + 1));
  await direct.order({ instances });
  await allMaster(direct, count);
  let isOver = false;
  const polling = poll(direct, () => isOver);
  await sleep(10_000);
  await step(progressOnStderr, 'Measuring with a controller', async () => {
    const share = await measure(direct, `${count} instances, polled`);
    if (share > maxShare) process.exitCode = 1;
  });
  isOver = true;
  await polling;
  await step(progressOnStderr, 'Measuring without a controller', () =>
    measure(direct, `${count} instances, not polled`),
  );
});
