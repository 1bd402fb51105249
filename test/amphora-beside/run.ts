// Asks the agent of Debian 12 and ours for the same, and compares the answers:
//   npm run amphora:beside [-- --versions 1.0,0.5,v0.1] [--fresh] [--keep] [--all]
// One node has Octavia's own agent, and the other one ours. Octavia's driver of Debian 12 configures both, and plain requests
// ask for what it does not. It fails if docs/amphora.md does not explain a difference, or has one that is not there. It goes
// on where an interrupted run stopped: each version is a part.
import { parseArgs } from 'node:util';

import { builtPackage } from '../lab/built-package.ts';
import { upAmphorae } from '../lab/amphora/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { openTries } from '../amphora-bench/tries.ts';
import { judge } from './differences.ts';
import { explained } from './explained.ts';
import type { Exchanged } from './exchanges.ts';
import { askBoth, type BesideVersion, versions } from './ask.ts';
import { besideReport } from './report.ts';

const { values: options } = parseArgs({
  options: {
    versions: { type: 'string', default: versions.join(',') },
    /** Leaves out what an interrupted run has found. */
    fresh: { type: 'boolean', default: false },
    /** Keeps the exchanges, so that the next run only compares them again. */
    keep: { type: 'boolean', default: false },
    /** Prints the explained differences too. */
    all: { type: 'boolean', default: false },
  },
});

const asked = versions.filter((version) => options.versions.split(',').includes(version));

interface Part {
  version: BesideVersion;
  pairs: readonly Exchanged[];
}

const parts = await openTries<Part>('amphora-beside', options.fresh);
const isDone = (version: BesideVersion) => parts.done.some((part) => part.version === version);

const name = 'beside';
for (const version of asked.filter((each) => !isDone(each))) {
  await down(name, progressOnStderr);
  try {
    const lab = await upAmphorae({
      name,
      suite: 'bookworm',
      nodes: 2,
      agent: 'both',
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    const pairs = await step(progressOnStderr, `Asking both agents by ${version}`, () =>
      askBoth(lab, version),
    );
    await parts.add({ version, pairs });
  } finally {
    await down(name, progressOnStderr);
  }
}

const found = parts.done.filter(({ version }) => asked.includes(version));
const isWhole = asked.length === versions.length;
const { text, areHeld } = besideReport(
  found.flatMap(({ pairs }) => pairs),
  judge(
    found.flatMap(({ pairs }) => pairs),
    explained,
  ),
  { isWhole, showsAll: options.all },
);
console.log(text);
if (!areHeld) process.exitCode = 1;
else if (!options.keep) await parts.forget();
