import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeNoopNetworks } from '../../../src/balancer/network/noop.ts';
import { casesOf, kinds } from '../../support/balancer/cases/every-kind.ts';
import { unknown } from '../../support/balancer/cases/load-balancers.ts';
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
    host = await makeTestBalancer(folder, {
      networks: makeNoopNetworks((id) => id.startsWith(unknown)),
    });
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
    const [title, run] = written[name] ?? [];
    if (run === undefined) it(`has no test yet: ${name}`);
    else
      it(`${title ?? ''} (${name})`, async () => {
        await run(await makeWorld(bench, host));
      });
  }

  it('has a row in docs/balancer-cases.md with its test', () => {
    const docs = readFileSync(new URL('../../../docs/balancer-cases.md', import.meta.url), 'utf8');
    const rows = docs.split('\n').filter((line) => /^\| `/.test(line));
    expect(rows).to.deep.equal(
      names
        .filter((name) => written[name])
        .map((name) => `| \`${name}\` | ${written[name]?.[0] ?? ''} |`),
    );
  });
});
