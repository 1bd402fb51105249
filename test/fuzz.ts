// Sends unreasonable requests to the agent and to Alphorn's services, over a fake cluster:
//   npm run fuzz -- --count 100000 --seed 7
//   npm run fuzz -- --seed 7 --only 4711
//   npm run fuzz -- --amphora --seed 7 --only 4711
//   npm run fuzz -- --balancer --count 100000
// Two thirds go to the cluster's services, and one third to the agent of amphorae; `--amphora` sends all to that one.
// `--balancer` sends all to the operator API of load balancers, which the others leave out.
// The same seed and number make the same request. It exits with 1 if something was found.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { memoryFolder } from '../src/kit/paths.ts';
import { fuzzBalancer } from './support/fuzz/balancer/fuzz.ts';
import { fuzzAmphora } from './support/fuzz/amphora/fuzz.ts';
import { fuzz } from './support/fuzz/fuzz.ts';
import { figuresOf } from './support/fuzz/figures.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    only: { type: 'string' },
    amphora: { type: 'boolean', default: false },
    balancer: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
const count = Number(values.count);
const only = values.only === undefined ? {} : { only: Number(values.only) };
const ofNodes = [
  ...(values.amphora ? [] : [{ fuzz, name: 'fuzz-', count: Math.ceil((count * 2) / 3) }]),
  // The path of a socket has 107 bytes.
  ...(values.amphora || values.only === undefined
    ? [{ fuzz: fuzzAmphora, name: 'f', count: values.amphora ? count : Math.ceil(count / 3) }]
    : []),
];
const runs = values.balancer ? [{ fuzz: fuzzBalancer, name: 'b', count }] : ofNodes;
for (const each of runs) {
  // The time for waiting on a disk would dominate.
  const folder = await mkdtemp(join(memoryFolder, each.name));
  try {
    const startedAt = performance.now();
    const outcome = await each.fuzz(folder, { seed, count: each.count, ...only });
    console.log(figuresOf(seed, outcome, (performance.now() - startedAt) / 1000));
    if (outcome.described !== undefined) console.log(outcome.described);
    for (const found of outcome.findings) console.log(found);
    if (outcome.findings.length > 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
// A request that has been answered may leave a timer.
process.exit();
