// Feeds generated load balancers to the haproxy of the three Debians, which have to take each without a warning:
//   npm run balancer:render [-- --trees 1000 --seed 7 --suites bullseye,trixie]
// The same seed makes the same trees. This needs root, and builds the lab's Debians unless they are there.
import { parseArgs } from 'node:util';

import fc from 'fast-check';

import type { WantedBalancer } from '../../src/balancer/deploying.ts';
import { renderHaproxy } from '../../src/balancer/render/haproxy.ts';
import { readyAmphoraRoot } from '../lab/amphora/roots.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { balancers, namesOf } from './render/arbitrary.ts';
import { type HaproxyCheck, makeHaproxyCheck } from './render/haproxy-check.ts';

const { values } = parseArgs({
  options: {
    trees: { type: 'string', default: '1000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    suites: { type: 'string', default: suites.join(',') },
  },
});

/** As many trees as haproxy reads in a second or two. */
const batchSize = 50;

/** Groups of trees that do not have a name in common, because a file takes each name once. */
function batchesOf(trees: readonly WantedBalancer[]): WantedBalancer[][] {
  const batches: WantedBalancer[][] = [];
  let used = new Set<string>();
  for (const tree of trees) {
    const last = batches.at(-1);
    const names = namesOf(tree);
    if (last && last.length < batchSize && !names.some((name) => used.has(name))) last.push(tree);
    else {
      batches.push([tree]);
      used = new Set();
    }
    for (const name of names) used.add(name);
  }
  return batches;
}

/** The first tree of a batch that is not taken by itself. */
async function culpritOf(
  haproxy: HaproxyCheck,
  batch: readonly WantedBalancer[],
): Promise<{ tree: WantedBalancer; complaints: string } | undefined> {
  for (const tree of batch) {
    const complaints = await haproxy.complaints([tree]);
    if (complaints !== '') return { tree, complaints };
  }
  return undefined;
}

const seed = Number(values.seed);
const trees = fc.sample(balancers, { numRuns: Number(values.trees), seed });
let refused = 0;
for (const suite of values.suites.split(',') as Suite[]) {
  const haproxy = await makeHaproxyCheck(await readyAmphoraRoot(suite, progressOnStderr));
  try {
    for (const batch of batchesOf(trees)) {
      const together = await haproxy.complaints(batch);
      if (together === '') continue;
      refused += 1;
      const culprit = await culpritOf(haproxy, batch);
      const { tree, complaints } = culprit ?? { tree: undefined, complaints: together };
      const text = tree ? renderHaproxy(tree, 1) : '';
      console.log(`seed ${seed}, haproxy ${haproxy.version}: ${complaints}\n${text}`);
    }
    console.log(`seed ${seed}: haproxy ${haproxy.version} has read ${trees.length} load balancers`);
  } finally {
    await haproxy.close();
  }
}
process.exitCode = refused === 0 ? 0 : 1;
