import { expect } from 'chai';

import { controllerStorm } from '../support/controller/storm.ts';
import { randomOf } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a controller that is killed at random points of a mixed load', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();

  it('has each change that it has answered, brings it to the nodes, and gives nothing out twice', async () => {
    // The seed differs each day. `npm run storm:controller` kills 200 times.
    const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / (24 * 3600 * 1000)));
    const options = { random: randomOf(seed), kills: 5 };
    const counts = await controllerStorm(folder.path, options).catch((error: unknown) => {
      throw new Error(`with HA_TEST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    });
    expect(counts.kills).to.equal(5);
  });
});
