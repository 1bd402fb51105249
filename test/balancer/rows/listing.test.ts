import { expect } from 'chai';

import type { Page } from '../../../src/balancer/domain.ts';
import { pageOf } from '../../../src/balancer/rows/pages.ts';
import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import { aBalancer, anyone } from '../../support/balancer/wishes.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const count = 9;

describe('a list of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  let time: number;

  before(async () => {
    time = Date.UTC(2026, 0, 1);
    bench = await makeTestBalancer(folder.path, { clock: () => time });
    const { loadBalancers } = bench.domain;
    for (let number = 0; number < count; number += 1) {
      // Some are made at the same time, and some have the same name or none.
      if (number % 3 === 0) time += 1000;
      const name = number % 4 === 0 ? null : `name ${number % 2}`;
      const { loadBalancer } = await loadBalancers.create(
        anyone,
        aBalancer({ name, project: `p${number % 2}` }),
      );
      await bench.finish(loadBalancer.id);
      if (number % 2 === 0) continue;
      time += 1000;
      await loadBalancers.change(anyone, loadBalancer.id, { description: 'changed' });
      await bench.finish(loadBalancer.id);
    }
    const [first] = await loadBalancers.list(anyone);
    await bench.force(first?.id ?? '', 'ERROR');
  });
  after(() => bench.stop());

  const keys = ['id', 'name', 'project_id', 'provisioning_status', 'created_at', 'updated_at'];

  it('has the same page by SQL as by sorting all of them, for each key, direction and marker', async () => {
    const { loadBalancers } = bench.domain;
    const all = await loadBalancers.list(anyone);
    expect(all).to.have.length(count);
    const sorts: Page['sort'][] = [[]];
    for (const key of keys) {
      for (const isDescending of [false, true]) {
        sorts.push([{ key, isDescending }]);
        sorts.push([
          { key: 'operating_status', isDescending },
          { key, isDescending },
        ]);
      }
    }
    for (const sort of sorts) {
      for (const isReverse of [false, true]) {
        const [, second] = pageOf(all, { sort, isReverse });
        for (const marker of [undefined, second?.id.toUpperCase()]) {
          const page = { sort, isReverse, marker, limit: 4 };
          const [found, right] = [await loadBalancers.list(anyone, page), pageOf(all, page)];
          expect(
            found.map(({ id }) => id),
            JSON.stringify(page),
          ).to.deep.equal(right.map(({ id }) => id));
        }
      }
    }
  });

  it('has only those of a project, and refuses a marker that is not among them', async () => {
    const { loadBalancers } = bench.domain;
    const own = await loadBalancers.list(anyone, { project: 'p1' });
    expect(own.map(({ project }) => project)).to.deep.equal(['p1', 'p1', 'p1', 'p1']);
    const [other] = await loadBalancers.list(anyone, { project: 'p0' });
    const refused = await faultOf(
      'balancer_invalid',
      loadBalancers.list(anyone, { project: 'p1', marker: other?.id }),
    );
    expect(refused.message).to.equal(`Supplied pagination marker '${other?.id}' is not valid.`);
  });
});
