import { expect } from 'chai';

import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { sendTree } from './alphorn-trees.ts';
import { hasTurn, isFull, seedOf, shareOf } from './share.ts';

const from = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
const others = suites.filter((suite) => suite !== from);

describe(`A tree of everything that a file system can hold, of ${from},`, () => {
  for (const to of hasTurn(from, 0) ? shareOf(others, 1, from) : []) {
    for (let round = 0; round < (isFull ? 5 : 1); round += 1) {
      const seed = seedOf(from) + round;
      it(`arrives unchanged on a blank ${to}, and each loss is reported (seed ${seed})`, async function () {
        // A root may have to be built first.
        this.timeout(30 * 60 * 1000);
        const trip = { seed, entries: 2000, from, to };
        const { same, named, wrong } = await sendTree(trip, progressOnStderr);
        expect(wrong).to.deep.equal([]);
        expect(same).to.be.above(1500);
        expect(named).to.be.above(10);
      });
    }
  }
});
