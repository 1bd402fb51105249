// Kills restores and undos at random points, like restore-storm.test.ts, as often as requested:
//   npm run storm:restore -- [--kills 300] [--seed NUMBER]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { randomOf } from '../support/random.ts';
import { restoreStorm } from '../support/restore-storm.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '300' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
console.log(`seed ${seed}: '-- --kills ${values.kills} --seed ${seed}' does the same again`);
const folder = await mkdtemp(join(tmpdir(), 'ha-agent-storm-'));
try {
  const options = { random: randomOf(seed), kills: Number(values.kills), signalEach: 5 };
  console.log(JSON.stringify(await restoreStorm(folder, options)));
} finally {
  await rm(folder, { recursive: true });
}
