// Compares what the API says of the hosts of a group with what is so on them, over random transitions:
//   npm run gateway:truth -- --transitions 100 [--suites bookworm,bookworm,bookworm] [--posts 10] [--minutes 90] [--fresh]
// It goes on where an interrupted run stopped. It fails if a bar is missed.
import { Command } from 'commander';

import { startWitness } from '../amphora-bench/figures/witness.ts';
import { openTries } from '../amphora-bench/tries.ts';
import type { Gateway } from '../gateway-system/bench.ts';
import { settled } from '../gateway-system/life.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { suitesOf } from '../lab/root.ts';
import { chooseAct } from './acts.ts';
import { makeGroup, withGateway } from './lab.ts';
import { actOnce } from './one-act.ts';
import { interval } from './outages.ts';
import { postOnce } from './posts.ts';
import { startReader } from './reader.ts';
import { startService } from './service.ts';
import { maxLateMs, truthReport, type TruthResult } from './truth-report.ts';
import { watchGroup } from './watching.ts';

interface Options {
  suites: string;
  transitions: string;
  posts: string;
  minutes: string;
  name: string;
  fresh?: boolean;
}

const options = new Command('npm run gateway:truth --')
  .option('--suites <list>', 'the Debian of each of three hosts', 'bookworm,bookworm,bookworm')
  .option('--transitions <count>', 'random ones', '100')
  .option('--posts <count>', 'groups to make', '10')
  .option('--minutes <count>', 'after which it begins with nothing more', '90')
  .option('--name <name>', 'of the lab', 'truth')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<Options>();

const wanted = { act: Number(options.transitions), post: Number(options.posts) };
const tries = await openTries<TruthResult>(
  `gateway-truth-${options.suites.replaceAll(',', '-')}`,
  options.fresh === true,
);
const end = performance.now() + Number(options.minutes) * 60_000;

function isMissing(kind: TruthResult['kind']): boolean {
  const found = tries.done.filter((each) => each.kind === kind);
  const good = found.filter(({ lateMs }) => lateMs <= maxLateMs);
  return good.length < wanted[kind] && found.length < 3 * wanted[kind];
}

const isWanting = (kind: TruthResult['kind']) => isMissing(kind) && performance.now() < end;

async function measure(gateway: Gateway): Promise<void> {
  const { lab } = gateway;
  const witness = startWitness();
  for (const node of lab.nodes) await startService(node, lab.address(1), lab.address(2));
  while (isWanting('post')) {
    await step(progressOnStderr, 'POST of a group', async () => {
      const result = await postOnce(gateway, witness, lab.address(2));
      await tries.add(result);
      progressOnStderr(
        `  answers after ${result.answersMs.toFixed(0)} ms, MASTER after ${result.masterMs.toFixed(0)} ms`,
      );
    });
  }
  const address = lab.address(1);
  const group = await makeGroup(gateway, { address, interval, preempt: true });
  await settled(gateway, group, address);
  for (const node of lab.nodes) await startReader(node, lab.interface, address);
  const watching = await watchGroup(gateway, group);
  try {
    while (isWanting('act')) {
      const chosen = chooseAct(lab.nodes.length);
      const host = lab.nodes[chosen.index]?.name ?? '';
      await step(progressOnStderr, `${chosen.act.title} (${host})`, async () => {
        const result = await actOnce({ gateway, watching, group, witness }, chosen);
        await tries.add(result);
        const delays = [...result.delays, ...result.back].map((ms) => ms.toFixed(0));
        progressOnStderr(
          `  ${delays.join(' ')} ms, late ${result.lateMs.toFixed(0)} ${JSON.stringify(result.away ?? '')} ${result.problems.join('; ')}`,
        );
      });
    }
  } finally {
    await watching.stop();
    await witness.stop();
  }
}

if (isWanting('act') || isWanting('post')) {
  await withGateway(options.name, suitesOf(options.suites), measure);
}

const { text, areHeld } = truthReport(options.suites, tries.done);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!isMissing('act') && !isMissing('post')) await tries.forget();
