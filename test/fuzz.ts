// Asks the agent for what nobody should ask, over a cluster that is a CIB and nothing more:
//   npm run fuzz [-- --count 100000 --seed 7]
// The same seed asks the same. It exits with 1 if something was found.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { fuzz } from './support/fuzz.ts';
import { randomOf } from './support/random.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'ha-agent-fuzz-'));
try {
  console.log(`seed ${values.seed}`);
  const { findings, ...figures } = await fuzz(
    folder,
    randomOf(Number(values.seed)),
    Number(values.count),
  );
  console.log(JSON.stringify(figures));
  for (const each of findings) console.log(each);
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
