// Measures the agent of Debian 12 and ours in one lab, against the bars of docs/performance.md:
//   npm run amphora:figures [-- --only start,idle] [--fresh]
// It goes on where an interrupted run stopped: each step is a part. It prints the table, and fails if a bar is missed.
import { parseArgs } from 'node:util';

import { upAmphorae } from '../../lab/amphora/lab.ts';
import { builtPackage } from '../../lab/built-package.ts';
import { down } from '../../lab/lab.ts';
import { progressOnStderr, step } from '../../lab/progress.ts';
import { openTries } from '../tries.ts';
import { type FigureBench, measuredIn } from './bench.ts';
import { measureChanges, sizes } from './changes.ts';
import type { Figure } from './figure.ts';
import { measureLarge, measureMany } from './many.ts';
import { measureReaders } from './readers.ts';
import { measureReads } from './reads.ts';
import { figuresReport } from './report.ts';
import { measureIdle, measureStart } from './resting.ts';
import { startWitness } from './witness.ts';

const steps: Readonly<Record<string, (bench: FigureBench) => Promise<Figure[]>>> = {
  start: measureStart,
  idle: measureIdle,
  reads: measureReads,
  ...Object.fromEntries(
    sizes.map((size) => [
      `changes-${size.listeners}`,
      (bench: FigureBench) => measureChanges(bench, size),
    ]),
  ),
  readers: measureReaders,
  large: measureLarge,
  many: measureMany,
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(steps).join(',') },
    /** Leaves out what an interrupted run has found. */
    fresh: { type: 'boolean', default: false },
  },
});

const unknown = options.only.split(',').filter((name) => !(name in steps));
if (unknown.length > 0) {
  throw new Error(`No ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}.`);
}
const asked = Object.entries(steps).filter(([name]) => options.only.split(',').includes(name));

interface Part {
  name: string;
  figures: readonly Figure[];
}

const parts = await openTries<Part>('amphora-dbg', options.fresh);
const missing = asked.filter(([name]) => !parts.done.some((part) => part.name === name));

if (missing.length > 0) {
  const labName = 'dbg';
  await down(labName, progressOnStderr);
  const witness = startWitness();
  try {
    const lab = await upAmphorae({
      name: labName,
      suite: 'bookworm',
      nodes: 2,
      agent: 'both',
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    for (const node of lab.nodes) { await node.writeFile('/etc/eld.mjs', (await import('node:fs')).readFileSync('/tmp/eld.mjs','utf8'), 0o644); await node.writeFile('/etc/default/ha-agent', 'NODE_OPTIONS=--import=/etc/eld.mjs\n', 0o644); await node.run(['sh','-c','systemctl restart ha-amphora || true']); }
    const driver = await lab.driver('bookworm', { bodies: true, connectionLimit: 10 });
    await driver.play({ do: 'listen', address: lab.controller });
    const bench: FigureBench = { lab, driver, witness, ...measuredIn(lab) };
    for (const [name, measure] of missing) {
      const figures = await step(progressOnStderr, `Measuring: ${name}`, () => measure(bench));
      progressOnStderr(figuresReport(figures).text);
      await parts.add({ name, figures });
    }
    await driver.close();
  } finally {
    await witness.stop();
  }
}

const figures = asked.flatMap(
  ([name]) => parts.done.find((part) => part.name === name)?.figures ?? [],
);
const { text, areHeld } = figuresReport(figures);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (asked.length === Object.keys(steps).length) await parts.forget();
