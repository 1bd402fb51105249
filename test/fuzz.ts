// Sends unreasonable requests to the agent and to Alphorn's services, over a fake cluster:
//   npm run fuzz -- --count 100000 --seed 7
//   npm run fuzz -- --seed 7 --only 4711
// The same seed and number make the same request. It exits with 1 if something was found.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { memoryFolder } from '../src/kit/paths.ts';
import { fuzz } from './support/fuzz/fuzz.ts';
import { figuresOf } from './support/fuzz/figures.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    only: { type: 'string' },
  },
});

// The time for waiting on a disk would dominate.
const folder = await mkdtemp(join(memoryFolder, 'fuzz-'));
try {
  const seed = Number(values.seed);
  const startedAt = performance.now();
  const outcome = await fuzz(folder, {
    seed,
    count: Number(values.count),
    ...(values.only !== undefined && { only: Number(values.only) }),
  });
  console.log(figuresOf(seed, outcome, (performance.now() - startedAt) / 1000));
  if (outcome.described !== undefined) console.log(outcome.described);
  for (const each of outcome.findings) console.log(each);
  process.exitCode = outcome.findings.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
// A request that has been answered may leave a timer.
process.exit();
