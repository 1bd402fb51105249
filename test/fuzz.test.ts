import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { memoryFolder } from '../src/kit/paths.ts';
import { installPackages } from './lab/host.ts';
import { fuzzAmphora } from './support/fuzz/amphora/fuzz.ts';
import { fuzzBalancer } from './support/fuzz/balancer/fuzz.ts';
import { fuzz } from './support/fuzz/fuzz.ts';

/** The seed differs each day. `npm run fuzz -- --seed N` sends the same requests, and more. */
const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describe('unreasonable requests', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(memoryFolder, 'f'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it(`are answered as documented, start no command outside the grammar, and change nothing when refused (seed ${seed})`, async function () {
    this.timeout(300_000);
    const { findings, rows, families } = await fuzz(folder, { seed, count: 700 });
    expect(findings).to.deep.equal([]);
    // Each row gets requests, and more than half of the rows answer with success.
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

  it(`to an amphora are failures that drivers see, and change nothing outside (seed ${seed})`, async function () {
    this.timeout(300_000);
    await installPackages(['haproxy', 'keepalived', 'iproute2'], () => undefined);
    const { findings, rows } = await fuzzAmphora(folder, { seed, count: 250 });
    expect(findings).to.deep.equal([]);
    expect(rows.asked).to.be.above(rows.all * 0.9);
    expect(rows.well).to.be.above(rows.all * 0.3);
  });

  it(`to the operator API change nothing when refused, and become files that nodes take when accepted (seed ${seed})`, async function () {
    this.timeout(300_000);
    const { findings, rows, statuses } = await fuzzBalancer(folder, { seed, count: 250 });
    expect(findings).to.deep.equal([]);
    expect(rows.asked).to.be.above(rows.all * 0.5);
    expect(rows.well).to.be.above(rows.all * 0.2);
    expect(statuses['202']).to.be.above(20);
  });
});
