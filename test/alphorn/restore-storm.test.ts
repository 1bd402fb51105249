import { expect } from 'chai';

import { randomOf } from '../support/random.ts';
import { restoreStorm } from '../support/restore-storm.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('restores and undos that are killed at random points', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  it('leave each path as before or as restored, and lose no content', async () => {
    // The seed differs each day. `npm run storm:restore` kills 300.
    const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / (24 * 3600 * 1000)));
    const options = { random: randomOf(seed), kills: 20, signalEach: 10 };
    const counts = await restoreStorm(folder.path, options).catch((error: unknown) => {
      throw new Error(`with HA_TEST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    });
    expect(counts.bySignal).to.be.above(0);
  });
});
