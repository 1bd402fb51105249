import { expect } from 'chai';

import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import { aBalancer, aListener, anyone } from '../support/balancer/wishes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a node that answers again', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  beforeEach(async () => {
    bench = await makeTestBalancer(folder.path);
  });
  afterEach(() => bench.stop());

  async function create(): Promise<string> {
    const { loadBalancer } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({ listeners: [aListener(80)] }),
    );
    expect(await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000)).to.equal(true);
    return loadBalancer.id;
  }
  const openJobs = () => bench.store.all('SELECT load_balancer FROM balancer_jobs');

  it('gets what it has lost again, and nothing of what it still runs', async () => {
    const [lost, present] = [await create(), await create()];
    const wanted = bench.deployer.running.get(2)?.get(lost);
    bench.deployer.running.get(2)?.set(lost, '');
    const before = bench.deployer.calls.length;
    bench.nodes.say(2);
    await bench.deployer.untilCalls(before + 1);
    while ((await openJobs()).length > 0) await pause();
    expect(bench.deployer.running.get(2)?.get(lost)).to.equal(wanted);
    expect(bench.deployer.calls.slice(before).map(({ balancer }) => balancer)).to.deep.equal([
      lost,
    ]);
    const { provisioning } = await bench.domain.loadBalancers.get(anyone, present);
    expect(provisioning).to.equal('ACTIVE');
  });

  it('loses what is to go from it, although another node does not answer', async () => {
    await bench.store.write(async (transaction) => {
      for (const [balancer, node] of [
        ['away', 1],
        ['here', 2],
      ] as const)
        await transaction.run(
          'INSERT INTO balancer_leavings (load_balancer, node) VALUES ($1, $2)',
          [balancer, node],
        );
    });
    bench.nodes.of(1).isReachable = false;
    bench.deployer.hold('away');
    bench.nodes.say(2);
    const left = () => bench.store.all('SELECT load_balancer FROM balancer_leavings');
    while ((await left()).length > 1) await pause();
    expect(await left()).to.deep.equal([{ load_balancer: 'away' }]);
    expect(bench.deployer.calls.map(({ balancer }) => balancer)).to.deep.equal(['here']);
    bench.deployer.release('away');
    bench.nodes.of(1).isReachable = true;
    bench.nodes.say(1);
    while ((await left()).length > 0) await pause();
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
