import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { balancerConfig } from '../../src/balancer/config.ts';
import { makeStaticNetworks } from '../../src/balancer/network/static.ts';
import { listInstances } from '../../src/controller/vrrp/rows.ts';
import type { ReportedInstance } from '../../src/keepalived/report.ts';
import { waitUntil } from '../lab/wait.ts';
import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import { aBalancer, anyone, network } from '../support/balancer/wishes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const subnet = {
  id: '5b000000-0000-4000-8000-000000000004',
  cidr: '10.0.0.0/24',
  pools: [{ from: '10.0.0.100', to: '10.0.0.120' }],
};
const section = { networks: [{ id: network, name: 'front', subnets: [subnet] }] };

describe('the VIPs of two nodes', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  const everyMs = 20;

  beforeEach(async () => {
    const { networks } = balancerConfig.parse({ balancer: section }).balancer;
    bench = await makeTestBalancer(folder.path, {
      networks: makeStaticNetworks(networks),
      config: section,
      nodes: [1, 2].map((at) => [{ name: 'eth1', addresses: [`10.0.0.${at}/24`] }]),
    });
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer());
    await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000);
    say(1, 'MASTER');
    say(2, 'BACKUP');
  });
  afterEach(() => bench.stop());

  function say(node: number, state: ReportedInstance['state']): void {
    const instance = { name: 'lb_1', state, since: null, effectivePriority: null, addresses: [] };
    bench.nodes.say(node, { instances: [instance] });
  }
  const priorities = async () => {
    const [instance] = await listInstances(bench.store);
    return instance?.peers.map(({ priority }) => priority);
  };
  const until = (first: number, second: number) =>
    waitUntil(
      `priorities of ${first} and ${second}`,
      async () => (await priorities())?.join() === `${first},${second}`,
      { everyMs },
    );
  /** Cuts a node off. It does not know, and goes on as it did. */
  const cut = (node: number) => {
    bench.nodes.of(node).isReachable = false;
  };
  const mend = (node: number) => {
    bench.nodes.of(node).isReachable = true;
  };

  it('stay on the second one when the first one is back that was cut off, until this one has yielded', async () => {
    expect(await priorities()).to.deep.equal([150, 100]);
    cut(1);
    say(2, 'MASTER');
    await until(150, 151);
    expect(bench.applied.at(-1)).to.have.members([1, 2]);
    mend(1);
    say(1, 'MASTER');
    // A look that this word has begun is over when another load balancer is there.
    await bench.domain.loadBalancers.create(anyone, aBalancer());
    expect(await priorities()).to.deep.equal([150, 151]);
    say(1, 'BACKUP');
    await until(150, 100);
  });

  it('stay on the first one when it has got them back, because the second one was cut off in turn', async () => {
    cut(1);
    say(2, 'MASTER');
    await until(150, 151);
    cut(2);
    mend(1);
    say(1, 'MASTER');
    await until(152, 100);
    mend(2);
    say(2, 'MASTER');
    say(2, 'BACKUP');
    await until(150, 100);
  });

  it('need no other priority while the second one is away', async () => {
    cut(2);
    say(1, 'MASTER');
    // Longer than until a node counts as away.
    await sleep(1500);
    expect(await priorities()).to.deep.equal([150, 100]);
  });
});
