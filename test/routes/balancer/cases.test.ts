import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { casesOf, kinds } from '../../support/balancer/cases/every-kind.ts';
import { networksOfCases } from '../../support/balancer/cases/networks.ts';
import { ownCases } from '../../support/balancer/cases/own.ts';
import { type Cases, makeWorld } from '../../support/balancer/cases/world.ts';
import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import { operatorBench, type OperatorBench } from '../../support/balancer/operator-bench.ts';

/** The cases of the functional suite of Octavia 4.1.4, by its own names. */
const names = JSON.parse(
  readFileSync(new URL('../../fixtures/balancer/cases.json', import.meta.url), 'utf8'),
) as string[];
const written: Cases = Object.assign({}, ...kinds.map(casesOf), ownCases) as Cases;

describe('a case of the suite of the recorded service', () => {
  let folder: string;
  let host: TestBalancer;
  let bench: OperatorBench;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cases-'));
    host = await makeTestBalancer(folder, { networks: networksOfCases() });
    bench = await operatorBench(host.domain);
  });
  after(async () => {
    await bench.stop();
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    host.deployer.release();
  });

  for (const name of names) {
    const [title = 'is missing', run] = written[name] ?? [];
    it(`${title} (${name})`, async () => {
      if (run === undefined) throw new Error(`There is no test of ${name}.`);
      await run(await makeWorld(bench, host));
    });
  }

  it('has a row in docs/balancer-cases.md with its test', () => {
    const docs = readFileSync(new URL('../../../docs/balancer-cases.md', import.meta.url), 'utf8');
    const rows = docs.split('\n').filter((line) => /^\| `/.test(line));
    expect(rows).to.deep.equal(
      names.map((name) => `| \`${name}\` | ${written[name]?.[0] ?? 'is missing'} |`),
    );
  });

  it('is one of 251, each of them once', () => {
    expect(new Set(names).size).to.equal(251);
    expect(names).to.include.members(Object.keys(ownCases));
  });
});
