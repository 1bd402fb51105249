import { expect } from 'chai';

import { fuzz } from './support/fuzz.ts';
import { randomOf } from './support/random.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** Another one each day; `npm run fuzz -- --seed N` asks the same, and more. */
const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describe('requests that nobody should make', () => {
  const folder = temporaryFolder();

  it(`are answered as documented, start no command that is another one, and change nothing when refused (seed ${seed})`, async function () {
    this.timeout(300_000);
    const { findings, statuses } = await fuzz(folder.path, randomOf(seed), 500);
    expect(findings).to.deep.equal([]);
    expect(Object.keys(statuses)).to.include.members(['200', '400', '404']);
  });
});
