import { expect } from 'chai';

import type { BalancerParts } from '../../src/balancer/make.ts';
import { makeTestBalancer } from '../support/balancer/domain.ts';
import { aBalancer, anyone } from '../support/balancer/wishes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the status of a load balancer', () => {
  const folder = temporaryFolder();

  it('says which of its nodes answer, but are not heard of', async () => {
    const asked: Parameters<NonNullable<BalancerParts['unheard']>>[0][] = [];
    const began = performance.now();
    const bench = await makeTestBalancer(folder.path, {
      unheard(balancer) {
        asked.push(balancer);
        return balancer.nodes.map((node) => `Node ${node} has not been heard of.`);
      },
    });
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer());
    await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000);
    bench.nodes.of(2).isReachable = false;
    const { troubles } = await bench.domain.loadBalancers.status(anyone, loadBalancer.id);
    await bench.stop();
    expect(troubles).to.include('Node 1 has not been heard of.');
    expect(troubles).to.not.include('Node 2 has not been heard of.');
    expect(asked[0]?.placedAt).to.be.within(began - 1000, performance.now() + 1000);
  });
});
