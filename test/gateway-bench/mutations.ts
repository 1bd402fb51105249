// Pushes spoilt configurations through the node's real apply: npm run node:mutations -- --suite bookworm [--count 50] [--fresh]
// keepalived has to go on with the former one each time, without a transition and without an address that moves.
import { build } from 'esbuild';
import { Command, Option } from 'commander';

import type { GatewayLab } from '../lab/gateway/lab.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { openTries } from '../amphora-bench/tries.ts';
import { aloneInstance, allMaster, type DirectNode } from './direct-node.ts';
import type { MutationPlan, MutationResult } from './mutations-in-node.ts';
import { withNode } from './with-node.ts';

const options = new Command('npm run node:mutations --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--count <count>', 'of mutations that keepalived has to refuse', '50')
  .option('--fresh', 'do not go on with an interrupted run')
  .parse()
  .opts<{ suite: Suite; count: string; fresh?: boolean }>();

const count = Number(options.count);
const batch = 10;
/** Some mutations do no harm. */
const maxTries = 2 * count;
const program = '/root/mutations.mjs';

/** The program for the node, in one file. */
async function programText(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL('mutations-in-node.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outputFiles[0]?.text ?? '';
}

async function pushBatch(
  { node }: DirectNode,
  plan: MutationPlan,
): Promise<(MutationResult & { isSame: boolean })[]> {
  const stdout = await node.run(['/usr/lib/ha-agent/node', program], {
    input: JSON.stringify(plan),
    deadlineMs: 600_000,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MutationResult & { isSame: boolean });
}

/** Each line of `ip monitor` is a move of an address. */
async function watchAddresses({ node }: DirectNode): Promise<() => Promise<string[]>> {
  const file = '/run/addresses-moved';
  await node.run([
    'systemd-run',
    '--unit=watch-addresses',
    'sh',
    '-c',
    `ip -4 monitor address > ${file}`,
  ]);
  return async () =>
    (await node.run(['cat', file])).split('\n').filter((line) => line.trim() !== '');
}

async function push(direct: DirectNode, lab: GatewayLab): Promise<void> {
  const tries = await openTries<MutationResult>(
    `node-mutations-${options.suite}`,
    options.fresh ?? false,
  );
  const [one, two] = [aloneInstance(lab, 1), aloneInstance(lab, 2)];
  const check = {
    type: 'tcp',
    port: 22,
    intervalSeconds: 5,
    timeoutSeconds: 1,
    fall: 3,
    rise: 1,
  } as const;
  const three = { ...aloneInstance(lab, 3), preempt: true };
  const former = { instances: [one, two, three] };
  const next = {
    instances: [
      { ...one, priority: 140 },
      two,
      { ...three, interval: 0.6 },
      { ...aloneInstance(lab, 4), check: { ...check, port: 9443 } },
    ],
  };
  await direct.order(former);
  await allMaster(direct, 3);
  await direct.node.run(['systemctl', 'stop', 'ha-amphora']);
  await direct.node.writeFile(program, await programText());
  const moved = await watchAddresses(direct);
  const faulty = () => tries.done.filter(({ outcome }) => outcome !== 'taken');
  while (faulty().length < count && tries.done.length < maxTries) {
    const from = (tries.done.at(-1)?.number ?? -1) + 1;
    await step(progressOnStderr, `Mutations ${from} to ${from + batch}`, async () => {
      const before = (await moved()).length;
      const plan = { node: direct.node.name, former, next, from, to: from + batch, store: 'bench' };
      const results = await pushBatch(direct, plan);
      const lines = (await moved()).slice(before);
      // A harmless mutation is carried out, and vg_4 comes and goes.
      const others = lines.filter(
        (line) => !line.includes(` ${lab.address(4)}/`) && line.includes('inet '),
      );
      for (const { isSame, ...result } of results) {
        if (isSame) continue;
        const problems = result.outcome === 'taken' ? [] : result.problems;
        await tries.add({ ...result, problems });
        progressOnStderr(
          `  ${result.what}: ${result.outcome} ${result.message} ${problems.join('; ')}`,
        );
      }
      if (others.length > 0) throw new Error(`Addresses moved: ${others.join('; ')}`);
    });
  }
  report(tries.done);
  if (faulty().length >= count) await tries.forget();
}

function report(results: readonly MutationResult[]): void {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const bad = results.filter(({ problems }) => problems.length > 0);
  console.log(`${options.suite}: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`);
  for (const { number, what, outcome } of results) {
    if (outcome === 'taken') console.log(`  taken: ${what} (${number})`);
  }
  for (const { number, what, problems } of bad) {
    console.log(`  ${what} (${number}): ${problems.join('; ')}`);
  }
  if (bad.length > 0) process.exitCode = 1;
}

await withNode(`mutations-${options.suite}`, options.suite, push);
