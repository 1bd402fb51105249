// Kills the agent of amphorae at random points, like storm.test.ts, as often as requested:
//   npm run storm:amphora -- [--kills 100] [--seed NUMBER]
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { memoryFolder } from '../../src/kit/paths.ts';
import { amphoraStorm } from '../support/amphora/storm.ts';
import { randomOf } from '../support/random.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
console.log(`seed ${seed}: '-- --kills ${values.kills} --seed ${seed}' does the same again`);
const folder = await mkdtemp(join(memoryFolder, 's'));
try {
  const options = { random: randomOf(seed), kills: Number(values.kills) };
  console.log(JSON.stringify(await amphoraStorm(folder, options)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
