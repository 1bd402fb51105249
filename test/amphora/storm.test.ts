import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { memoryFolder } from '../../src/kit/paths.ts';
import { installPackages } from '../lab/host.ts';
import { amphoraStorm } from '../support/amphora/storm.ts';
import { randomOf } from '../support/random.ts';

describe('changes of an amphora that are killed at random points, or meet a full disk', function () {
  this.timeout(300_000);
  let folder = '';
  before(() => installPackages(['haproxy', 'keepalived', 'iproute2'], () => undefined));
  beforeEach(async () => {
    folder = await mkdtemp(join(memoryFolder, 's'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('leave the former or the new content, can be repeated, and touch no other owner', async () => {
    // The seed differs each day. `npm run storm:amphora` kills 100.
    const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / (24 * 3600 * 1000)));
    const options = { random: randomOf(seed), kills: 10 };
    const counts = await amphoraStorm(folder, options).catch((error: unknown) => {
      throw new Error(`with HA_TEST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    });
    expect(counts.kills).to.equal(10);
    expect(counts.full).to.equal(5);
  });
});
