import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { memoryFolder } from '../src/kit/paths.ts';
import { fuzz } from './support/fuzz/fuzz.ts';

/** Another one each day; `npm run fuzz -- --seed N` asks the same, and more. */
const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describe('requests that nobody should make', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(memoryFolder, 'fuzz-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it(`are answered as documented, start no command that is another one, and change nothing when refused (seed ${seed})`, async function () {
    this.timeout(300_000);
    const { findings, rows, families } = await fuzz(folder, { seed, count: 700 });
    expect(findings).to.deep.equal([]);
    // Each row has its turn, and most get as far as what they are for.
    expect(rows.asked).to.be.above(rows.all * 0.9);
    expect(rows.well).to.be.above(rows.all * 0.5);
    expect(families).to.include.all.keys(
      'ha',
      'probes',
      'metrics',
      'documents',
      'peers',
      'alphornd',
      'bytes',
    );
  });
});
