import { expect } from 'chai';

import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import {
  aBalancer,
  aListener,
  aMember,
  aMonitor,
  anyone,
  aPolicy,
  aPool,
  aRule,
} from '../support/balancer/wishes.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('changes of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;

  beforeEach(async () => {
    bench = await makeTestBalancer(folder.path);
    bench.deployer.hold();
  });
  afterEach(() => bench.stop());

  /** A load balancer that is ACTIVE. */
  async function active(given: Parameters<typeof aBalancer>[0] = {}) {
    const { loadBalancer, listeners } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer(given),
    );
    await bench.finish(loadBalancer.id);
    return { id: loadBalancer.id, place: { loadBalancer: loadBalancer.id }, listeners };
  }

  it('a new load balancer is PENDING_CREATE and OFFLINE, and ACTIVE when its nodes run it', async () => {
    const { loadBalancers } = bench.domain;
    const { loadBalancer } = await loadBalancers.create(anyone, aBalancer({ name: 'web' }));
    expect(loadBalancer).to.include({
      name: 'web',
      project: 'p1',
      provisioning: 'PENDING_CREATE',
      operating: 'OFFLINE',
      revision: 1,
      updatedAt: null,
    });
    expect(loadBalancer.createdAt).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect(loadBalancer.vip.address).to.equal('198.18.0.1');
    await bench.finish(loadBalancer.id);
    const after = await loadBalancers.get(anyone, loadBalancer.id);
    expect(after.provisioning).to.equal('ACTIVE');
  });

  it('a change shows the former values until it is deployed, and the wanted ones then', async () => {
    const { id } = await active({ name: 'old' });
    const changed = await bench.domain.loadBalancers.change(anyone, id, { name: 'new' });
    expect(changed).to.include({ name: 'old', provisioning: 'PENDING_UPDATE', revision: 2 });
    expect(await bench.domain.loadBalancers.get(anyone, id)).to.include({ name: 'old' });
    await bench.finish(id);
    const after = await bench.domain.loadBalancers.get(anyone, id);
    expect(after).to.include({ name: 'new', provisioning: 'ACTIVE' });
    expect(after.updatedAt).to.not.equal(null);
  });

  it('a load balancer that is PENDING refuses every change below it with its own id', async () => {
    const { id, place } = await active();
    await bench.domain.listeners.create(anyone, place, aListener(80));
    const refused = await faultOf(
      'balancer_immutable',
      bench.domain.pools.create(anyone, place, aPool()),
    );
    expect(refused.message).to.equal(`Load Balancer ${id} is immutable and cannot be updated.`);
    expect(await bench.domain.pools.list(anyone, place)).to.deep.equal([]);
  });

  it('a change that nodes refuse leaves ERROR on the object, its former values, and ACTIVE above', async () => {
    const { id, place } = await active();
    const { listener } = await bench.domain.listeners.create(anyone, place, aListener(80));
    await bench.finish(id);
    await bench.domain.listeners.change(anyone, place, listener.id, { port: 81 });
    await bench.fail(id);
    expect(await bench.domain.listeners.get(anyone, place, listener.id)).to.include({
      port: 80,
      provisioning: 'ERROR',
    });
    expect(await bench.domain.loadBalancers.get(anyone, id)).to.include({ provisioning: 'ACTIVE' });
  });

  it('a whole tree is made by one request, and shown with the ids of its objects', async () => {
    const pool = aPool({ members: [aMember('10.0.0.1')], monitor: aMonitor() });
    const policy = aPolicy({
      action: 'REDIRECT_TO_POOL',
      newRedirectPool: aPool(),
      rules: [aRule()],
    });
    const { loadBalancer, listeners } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({ listeners: [aListener(80, { newDefaultPool: pool, policies: [policy] })] }),
    );
    const [tree] = listeners;
    expect(tree?.defaultPool?.pool.id).to.equal(tree?.listener.defaultPool);
    expect(tree?.defaultPool?.members.map(({ address }) => address)).to.deep.equal(['10.0.0.1']);
    expect(tree?.defaultPool?.monitor?.type).to.equal('HTTP');
    expect(tree?.policies[0]?.redirectPool?.pool.id).to.equal(
      tree?.policies[0]?.policy.redirectPool,
    );
    expect(tree?.policies[0]?.rules).to.have.length(1);
    await bench.finish(loadBalancer.id);
    const wanted = bench.deployer.calls.at(-1)?.wanted;
    expect(wanted?.listeners[0]?.policies).to.have.length(1);
    expect(wanted?.pools).to.have.length(2);
  });

  it('a tree with a part that is refused makes nothing', async () => {
    const both = [aListener(80), aListener(80)];
    const refused = await faultOf(
      'balancer_conflict',
      bench.domain.loadBalancers.create(anyone, aBalancer({ listeners: both })),
    );
    expect(refused.message).to.equal(
      'Another Listener on this Load Balancer is already using protocol_port 80',
    );
    expect(await bench.domain.loadBalancers.list(anyone)).to.deep.equal([]);
    expect(await bench.domain.ports.list(anyone)).to.deep.equal([]);
  });
});
