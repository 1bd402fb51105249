import { expect } from 'chai';

import { Fault } from '../../src/kit/fault.ts';
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

describe('load balancers and the objects below them', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  beforeEach(async () => {
    bench = await makeTestBalancer(folder.path);
  });
  afterEach(() => bench.stop());

  async function create(given: Parameters<typeof aBalancer>[0] = {}) {
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer(given));
    await settle(loadBalancer.id);
    return { loadBalancer: loadBalancer.id };
  }

  async function settle(id: string): Promise<void> {
    expect(await bench.domain.loadBalancers.settled(id, 200_000)).to.equal(true);
  }

  /** How calls ended: fulfilled, or by which code. */
  async function endsOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
    const ends: Record<string, number> = {};
    for (const each of await Promise.allSettled(calls)) {
      const reason: unknown = each.status === 'rejected' ? each.reason : undefined;
      const key = reason instanceof Fault ? reason.code : each.status;
      ends[key] = (ends[key] ?? 0) + 1;
    }
    return ends;
  }

  it('take as many of 50 concurrent changes as are accepted, and lose or double none', async () => {
    const place = await create();
    let accepted = 0;
    for (let round = 0; round < 3; round += 1) {
      const ports = Array.from({ length: 50 }, (_each, at) => 1000 + round * 50 + at);
      const ends = await endsOf(
        ports.map((port) => bench.domain.listeners.create(anyone, place, aListener(port))),
      );
      expect((ends['fulfilled'] ?? 0) + (ends['balancer_immutable'] ?? 0)).to.equal(50);
      accepted += ends['fulfilled'] ?? 0;
      await settle(place.loadBalancer);
    }
    expect(accepted).to.be.greaterThan(2);
    const listeners = await bench.domain.listeners.list(anyone, place);
    expect(listeners).to.have.length(accepted);
    expect(listeners.every(({ provisioning }) => provisioning === 'ACTIVE')).to.equal(true);
    const { revision } = await bench.domain.loadBalancers.get(anyone, place.loadBalancer);
    expect(revision).to.equal(1 + accepted);
  });

  it('are made exactly up to the quota by 20 concurrent requests', async () => {
    await bench.domain.quotas.set(anyone, 'p1', { load_balancer: 7 });
    const ends = await endsOf(
      Array.from({ length: 20 }, () => bench.domain.loadBalancers.create(anyone, aBalancer())),
    );
    expect(ends).to.deep.equal({ fulfilled: 7, balancer_quota_met: 13 });
    const refused = await faultOf(
      'balancer_quota_met',
      bench.domain.loadBalancers.create(anyone, aBalancer()),
    );
    expect(refused.message).to.equal('Quota has been met for resources: Load Balancer');
    const [first] = await bench.domain.loadBalancers.list(anyone);
    await settle(first?.id ?? '');
    await bench.domain.loadBalancers.remove(anyone, first?.id ?? '', false);
    await settle(first?.id ?? '');
    await bench.domain.loadBalancers.create(anyone, aBalancer());
  });

  it('count a tree against the quota as a whole', async () => {
    await bench.domain.quotas.set(anyone, 'p1', { member: 1 });
    const pool = aPool({ members: [aMember('10.0.0.1'), aMember('10.0.0.2')] });
    const refused = await faultOf(
      'balancer_quota_met',
      bench.domain.loadBalancers.create(
        anyone,
        aBalancer({ listeners: [aListener(80, { newDefaultPool: pool })] }),
      ),
    );
    expect(refused.message).to.equal('Quota has been met for resources: Member');
    expect(await bench.domain.loadBalancers.list(anyone)).to.deep.equal([]);
  });

  it('have an address each, although 20 are made at the same time', async () => {
    await Promise.all(
      Array.from({ length: 20 }, () => bench.domain.loadBalancers.create(anyone, aBalancer())),
    );
    const all = await bench.domain.loadBalancers.list(anyone);
    expect(new Set(all.map(({ vip }) => vip.address)).size).to.equal(20);
  });

  it('with a given id are made once, however often the same request comes', async () => {
    const id = 'AAAAAAAA-0000-4000-8000-000000000001';
    const made = await Promise.all(
      Array.from({ length: 20 }, () =>
        bench.domain.loadBalancers.create(anyone, aBalancer({ id, name: 'one' })),
      ),
    );
    expect(new Set(made.map(({ loadBalancer }) => loadBalancer.id))).to.deep.equal(
      new Set([id.toLowerCase()]),
    );
    expect(await bench.domain.loadBalancers.list(anyone)).to.have.length(1);
    const other = await faultOf(
      'balancer_conflict',
      bench.domain.loadBalancers.create(anyone, aBalancer({ id, name: 'other' })),
    );
    expect(other.message).to.equal('Already an entity with that specified id.');
  });

  it('with a given id below a load balancer are returned although that is PENDING', async () => {
    const place = await create();
    bench.deployer.hold();
    const wanted = aListener(80, { id: 'aaaaaaaa-0000-4000-8000-000000000002' });
    const first = await bench.domain.listeners.create(anyone, place, wanted);
    const second = await bench.domain.listeners.create(anyone, place, wanted);
    expect(second.listener.id).to.equal(first.listener.id);
    await faultOf(
      'balancer_conflict',
      bench.domain.listeners.create(anyone, place, { ...wanted, port: 81 }),
    );
  });

  it('refuse what another one has: a port, a member, a monitor and a default pool', async () => {
    const place = await create();
    const { listeners, pools, members, monitors } = bench.domain;
    const { pool } = await pools.create(anyone, place, aPool());
    await settle(place.loadBalancer);
    const wanted = aListener(80, { defaultPool: pool.id });
    const { listener } = await listeners.create(anyone, place, wanted);
    await settle(place.loadBalancer);
    const other = await listeners.create(anyone, place, aListener(81));
    await settle(place.loadBalancer);
    const inPool = { ...place, pool: pool.id };
    await members.create(anyone, inPool, aMember('2001:db8::1'));
    await settle(place.loadBalancer);
    await monitors.create(anyone, inPool, aMonitor());
    await settle(place.loadBalancer);

    const sentences = [
      await faultOf(
        'balancer_conflict',
        listeners.change(anyone, place, other.listener.id, { port: 80 }),
      ),
      await faultOf('balancer_conflict', members.create(anyone, inPool, aMember('2001:DB8:0::1'))),
      await faultOf('balancer_conflict', monitors.create(anyone, inPool, aMonitor())),
      await faultOf(
        'balancer_conflict',
        pools.create(anyone, { ...place, listener: listener.id }, aPool()),
      ),
    ].map(({ message }) => message);
    expect(sentences).to.deep.equal([
      'Another Listener on this Load Balancer is already using protocol_port 80',
      'Another member on this pool is already using ip 2001:DB8:0::1 on protocol_port 80',
      'This pool already has a health monitor',
      'This listener already has a default pool',
    ]);
    const after = await bench.domain.loadBalancers.get(anyone, place.loadBalancer);
    expect(after.provisioning, 'a refused change takes no lock').to.equal('ACTIVE');
  });

  it('keep policies in the order of their positions', async () => {
    const place = await create({ listeners: [aListener(80)] });
    const [listener] = await bench.domain.listeners.list(anyone, place);
    const at = { ...place, listener: listener?.id ?? '' };
    const { policies } = bench.domain;
    const add = async (name: string, position?: number) => {
      const { policy } = await policies.create(anyone, at, aPolicy({ name, position }));
      await settle(place.loadBalancer);
      return policy.id;
    };
    const names = async () => {
      const found = await policies.list(anyone, at);
      return found.map(({ name, position }) => `${position} ${name ?? ''}`);
    };
    await add('a');
    const b = await add('b');
    await add('c', 1);
    const d = await add('d', 100);
    expect(await names()).to.deep.equal(['1 c', '2 a', '3 b', '4 d']);
    await policies.change(anyone, at, d, { position: 2 });
    await settle(place.loadBalancer);
    expect(await names()).to.deep.equal(['1 c', '2 d', '3 a', '4 b']);
    await policies.change(anyone, at, d, { position: 4 });
    await settle(place.loadBalancer);
    expect(await names()).to.deep.equal(['1 c', '2 a', '3 b', '4 d']);
    await policies.remove(anyone, at, b);
    await settle(place.loadBalancer);
    expect(await names()).to.deep.equal(['1 c', '2 a', '3 d']);
  });

  it('hand policies to nodes in order, without those that have no rule', async () => {
    const place = await create({
      listeners: [
        aListener(80, {
          policies: [
            aPolicy({ name: 'last', rules: [aRule()] }),
            aPolicy({ name: 'none' }),
            aPolicy({ position: 1, rules: [aRule({ value: '/first' })] }),
          ],
        }),
      ],
    });
    const wanted = bench.deployer.calls.find(({ balancer }) => balancer === place.loadBalancer);
    const values = wanted?.wanted?.listeners[0]?.policies.map(({ rules }) => rules[0]?.value);
    expect(values).to.deep.equal(['/first', '/api']);
  });

  it('let the action of a policy decide which redirect it has', async () => {
    const place = await create({ listeners: [aListener(80)] });
    const [listener] = await bench.domain.listeners.list(anyone, place);
    const at = { ...place, listener: listener?.id ?? '' };
    const { policy } = await bench.domain.policies.create(
      anyone,
      at,
      aPolicy({ action: 'REJECT', redirectUrl: 'http://example.org/' }),
    );
    expect(policy.redirectUrl).to.equal(null);
    await settle(place.loadBalancer);
    await bench.domain.policies.change(anyone, at, policy.id, { redirectUrl: 'http://a.example/' });
    await settle(place.loadBalancer);
    expect(await bench.domain.policies.get(anyone, at, policy.id)).to.include({
      action: 'REDIRECT_TO_URL',
      redirectUrl: 'http://a.example/',
    });
  });

  it('refuse to be deleted with children, and go with all of them by a cascade', async () => {
    const place = await create({
      listeners: [aListener(80, { newDefaultPool: aPool({ members: [aMember('10.0.0.1')] }) })],
    });
    const refused = await faultOf(
      'balancer_invalid',
      bench.domain.loadBalancers.remove(anyone, place.loadBalancer, false),
    );
    expect(refused.message).to.equal(
      `Validation failure: Cannot delete Load Balancer ${place.loadBalancer} - it has children`,
    );
    await bench.domain.loadBalancers.remove(anyone, place.loadBalancer, true);
    await settle(place.loadBalancer);
    for (const table of ['listeners', 'pools', 'members'])
      expect(await bench.store.all(`SELECT id FROM balancer_${table}`), table).to.deep.equal([]);
  });

  it('unset a pool as default when it goes, and keep one that a policy points at', async () => {
    const place = await create({
      listeners: [
        aListener(80, {
          newDefaultPool: aPool(),
          policies: [aPolicy({ action: 'REDIRECT_TO_POOL', newRedirectPool: aPool() })],
        }),
      ],
    });
    const [listener] = await bench.domain.listeners.list(anyone, place);
    const at = { ...place, listener: listener?.id ?? '' };
    const [policy] = await bench.domain.policies.list(anyone, at);
    const refused = await faultOf(
      'balancer_conflict',
      bench.domain.pools.remove(anyone, place, policy?.redirectPool ?? ''),
    );
    expect(refused.message).to.equal(
      `Pool ${policy?.redirectPool ?? ''} is in use by L7 policy ${policy?.id ?? ''}`,
    );
    await bench.domain.pools.remove(anyone, place, listener?.defaultPool ?? '');
    await settle(place.loadBalancer);
    const after = await bench.domain.listeners.get(anyone, place, at.listener);
    expect(after).to.include({ defaultPool: null, provisioning: 'ACTIVE' });
    expect(await bench.domain.pools.list(anyone, place)).to.have.length(1);
  });

  it('are not there for a caller of another tenant', async () => {
    const place = await create({ listeners: [aListener(80)] });
    const [listener] = await bench.domain.listeners.list(anyone, place);
    const other = { tenant: 'p2' };
    const refused = await faultOf(
      'balancer_object_not_found',
      bench.domain.listeners.get(other, place, listener?.id ?? ''),
    );
    expect(refused.message).to.equal(`Load Balancer ${place.loadBalancer} not found.`);
    expect(await bench.domain.loadBalancers.list(other)).to.deep.equal([]);
    expect(await bench.domain.loadBalancers.list({ tenant: 'p1' })).to.have.length(1);
  });

  it('are changed only at the revision that a caller names', async () => {
    const place = await create();
    const { loadBalancers } = bench.domain;
    await faultOf(
      'version_changed',
      loadBalancers.change(anyone, place.loadBalancer, { name: 'x' }, { ifRevision: 7 }),
    );
    await loadBalancers.change(anyone, place.loadBalancer, { name: 'x' }, { ifRevision: 1 });
  });

  it('show pages in the order that a caller wants', async () => {
    for (const name of ['b', 'c', 'a']) await create({ name });
    const { loadBalancers } = bench.domain;
    const byName = { sort: [{ key: 'name', isDescending: true }] };
    const all = await loadBalancers.list(anyone, byName);
    expect(all.map(({ name }) => name)).to.deep.equal(['c', 'b', 'a']);
    const next = await loadBalancers.list(anyone, {
      ...byName,
      limit: 1,
      marker: all[0]?.id ?? '',
    });
    expect(next.map(({ name }) => name)).to.deep.equal(['b']);
    const refused = await faultOf(
      'balancer_invalid',
      loadBalancers.list(anyone, { sort: [{ key: 'colour', isDescending: false }] }),
    );
    expect(refused.message).to.equal("Supplied sort key 'colour' is not valid.");
  });

  it('add up what heartbeats tell, and forget it with the listener', async () => {
    const place = await create({ listeners: [aListener(80)] });
    const [listener] = await bench.domain.listeners.list(anyone, place);
    const id = listener?.id ?? '';
    const statistics = {
      bytesIn: 10,
      bytesOut: 20,
      activeConnections: 3,
      totalConnections: 1,
      requestErrors: 0,
    };
    const { operating } = bench.domain;
    await operating.addStatistics([{ node: 1, listener: id, statistics }]);
    await operating.addStatistics([
      { node: 1, listener: id, statistics: { ...statistics, activeConnections: 1 } },
      { node: 1, listener: 'gone', statistics },
      { node: 2, listener: id, statistics },
    ]);
    expect(await bench.domain.listeners.statistics(anyone, place, id)).to.deep.equal({
      bytesIn: 30,
      bytesOut: 60,
      activeConnections: 4,
      totalConnections: 3,
      requestErrors: 0,
    });
    await bench.domain.listeners.remove(anyone, place, id);
    await settle(place.loadBalancer);
    const { total } = await bench.domain.loadBalancers.statistics(anyone, place.loadBalancer);
    expect(total.bytesIn).to.equal(0);
  });

  it('show what heartbeats set, and are known with their nodes', async () => {
    const place = await create({ listeners: [aListener(80)] });
    const { operating, loadBalancers } = bench.domain;
    await operating.setOperating([
      { kind: 'load_balancer', id: place.loadBalancer, operating: 'ONLINE' },
    ]);
    expect(await loadBalancers.get(anyone, place.loadBalancer)).to.include({ operating: 'ONLINE' });
    const [known] = await operating.known();
    expect(known).to.include({ id: place.loadBalancer, operating: 'ONLINE', isEnabled: true });
    expect(known?.nodes).to.have.members([1, 2]);
    expect(known?.placedAt).to.be.closeTo(performance.now(), 60_000);
  });
});
