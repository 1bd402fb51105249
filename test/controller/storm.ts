// Kills a controller at random points, like storm.test.ts, as often as requested:
//   npm run storm:controller -- [--kills 200] [--seed NUMBER] [--fresh]
// It goes on where an interrupted run with the same seed stopped; --fresh begins again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { openTries } from '../amphora-bench/tries.ts';
import { controllerStorm, type StormCounts } from '../support/controller/storm.ts';
import { randomOf } from '../support/random.ts';

/** Each round has a store of its own, because a freed router id rests for 10 minutes. */
const killsOfRound = 10;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const kills = Number(values.kills);
console.log(`seed ${seed}: '-- --kills ${kills} --seed ${seed}' does the same again`);
const tries = await openTries<StormCounts>(`storm-controller-${seed}`, values.fresh);
const done = () => tries.done.reduce((sum, each) => sum + each.kills, 0);
while (done() < kills) {
  const folder = await mkdtemp(join(tmpdir(), 'storm-'));
  try {
    const random = randomOf(seed + tries.done.length);
    const count = Math.min(killsOfRound, kills - done());
    await tries.add(await controllerStorm(folder, { random, kills: count }));
    console.log(`${done()} of ${kills}: ${JSON.stringify(tries.done.at(-1))}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
const sum = (of: (each: StormCounts) => number) =>
  tries.done.reduce((total, each) => total + of(each), 0);
console.log(
  `${sum((each) => each.kills)} kills, ${sum((each) => each.answered)} answers, ${sum((each) => each.orders)} orders: all there, none twice`,
);
await tries.forget();
