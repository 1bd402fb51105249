// Sends trees of random files from one Debian to the others and restores them there:
//   npm run alphorn-trees [-- --seed 7 --rounds 3 --entries 2000 --from bookworm --to trixie]
// The same seed makes the same tree. This needs root and the package (`npm run package`).
import { parseArgs } from 'node:util';

import { progressOnStderr } from './lab/progress.ts';
import { type Suite, suites } from './lab/root.ts';
import { sendTree } from './system/alphorn-trees.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    rounds: { type: 'string', default: '1' },
    entries: { type: 'string', default: '2000' },
    from: { type: 'string', default: suites.join(',') },
    to: { type: 'string', default: suites.join(',') },
  },
});

let failed = 0;
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const from of values.from.split(',') as Suite[]) {
    for (const to of values.to.split(',').filter((each) => each !== from) as Suite[]) {
      const trip = { seed: Number(values.seed) + round, entries: Number(values.entries), from, to };
      const { same, named, wrong } = await sendTree(trip, progressOnStderr);
      console.log(`seed ${trip.seed}, ${from} to ${to}: ${same} the same, ${named} named`);
      for (const line of wrong) console.log(`  ${line.slice(0, 1000)}`);
      if (wrong.length > 0) failed += 1;
    }
  }
}
process.exitCode = failed === 0 ? 0 : 1;
