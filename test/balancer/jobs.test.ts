import { expect } from 'chai';

import { deletedMs } from '../../src/balancer/rows/find.ts';
import type { Store } from '../../src/controller/store/store.ts';
import { endAttempt, endFailedDeletion, readJob, waitAfter } from '../../src/balancer/jobs/ends.ts';
import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import { heldDeployer } from '../support/balancer/held-deployer.ts';
import { aBalancer, aListener, aMember, anyone, aPool } from '../support/balancer/wishes.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('jobs of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  beforeEach(async () => {
    bench = await makeTestBalancer(folder.path);
  });
  afterEach(() => bench.stop());

  async function create(given: Parameters<typeof aBalancer>[0] = {}): Promise<string> {
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer(given));
    return loadBalancer.id;
  }
  const settled = (id: string) => bench.domain.loadBalancers.settled(id, 200_000);
  const statusOf = async (id: string) =>
    (await bench.domain.loadBalancers.get(anyone, id)).provisioning;

  it('wait 1 s before the first repetition, and up to 60 s later', () => {
    expect([1, 2, 3, 6, 7, 100].map(waitAfter)).to.deep.equal([
      1000, 2000, 4000, 32_000, 60_000, 60_000,
    ]);
  });

  it('end in ERROR while no node answers, and in ACTIVE by themselves when one does', async () => {
    bench.deployer.answer = 'unreachable';
    const id = await create();
    expect(await settled(id)).to.equal(true);
    expect(await statusOf(id)).to.equal('ERROR');
    const status = await bench.domain.loadBalancers.status(anyone, id);
    expect(status).to.include({ attempts: 1, lastError: 'Node 1 does not answer.' });
    bench.deployer.answer = 'running';
    await bench.deployer.untilCalls(2);
    await untilStatus(id, 'ACTIVE');
    expect(await bench.store.all('SELECT * FROM balancer_jobs')).to.deep.equal([]);
  });

  it('succeed with one of two nodes, and catch up with the other one when it answers', async () => {
    bench.deployer.answer = (node) => (node === 2 ? 'unreachable' : 'running');
    const id = await create();
    await settled(id);
    expect(await bench.domain.loadBalancers.get(anyone, id)).to.include({
      provisioning: 'ACTIVE',
      operating: 'DEGRADED',
    });
    bench.deployer.answer = 'running';
    // The node says something, so it is asked before its wait is over.
    bench.nodes.say(2);
    await bench.deployer.untilCalls(2);
    await untilNoJob(id);
    expect(bench.deployer.running.get(2)?.has(id)).to.equal(true);
    expect(await statusOf(id)).to.equal('ACTIVE');
  });

  it('put a node back that runs what the other one refuses', async () => {
    const id = await create();
    await settled(id);
    const place = { loadBalancer: id };
    bench.deployer.answer = (node, { wanted }) =>
      node === 2 && (wanted?.listeners.length ?? 0) > 0 ? 'refused' : 'running';
    const { listener } = await bench.domain.listeners.create(anyone, place, aListener(80));
    await settled(id);
    expect(await bench.domain.listeners.get(anyone, place, listener.id)).to.include({
      provisioning: 'ERROR',
      operating: 'ERROR',
    });
    const last = bench.deployer.calls.at(-1);
    expect(last?.wanted?.listeners).to.deep.equal([]);
    expect(await statusOf(id)).to.equal('ACTIVE');
  });

  it('do not let a change that was refused keep later ones from success', async () => {
    const id = await create();
    await settled(id);
    const place = { loadBalancer: id };
    bench.deployer.answer = (_node, { wanted }) =>
      wanted?.listeners.some(({ port }) => port === 81) === true ? 'refused' : 'running';
    const bad = await bench.domain.listeners.create(anyone, place, aListener(81));
    await settled(id);
    const good = await bench.domain.listeners.create(anyone, place, aListener(82));
    await settled(id);
    const { listeners } = bench.domain;
    expect(await listeners.get(anyone, place, good.listener.id)).to.include({
      provisioning: 'ACTIVE',
    });
    expect(await listeners.get(anyone, place, bad.listener.id)).to.include({
      provisioning: 'ERROR',
    });
    await listeners.change(anyone, place, bad.listener.id, { port: 83 });
    await settled(id);
    expect(await listeners.get(anyone, place, bad.listener.id)).to.include({
      port: 83,
      provisioning: 'ACTIVE',
    });
  });

  it('give each attempt a higher fencing number than the one before', async () => {
    bench.deployer.answer = 'unreachable';
    const id = await create();
    await settled(id);
    bench.deployer.answer = 'running';
    await bench.domain.loadBalancers.repair(anyone, id);
    await untilNoJob(id);
    await bench.domain.loadBalancers.change(anyone, id, { name: 'x' });
    await settled(id);
    const numbers = bench.deployer.calls.map(({ fencing }) => fencing?.revision ?? 0);
    expect(numbers).to.have.length(3);
    expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('that delete free the address and the quota, and show DELETED by id only', async () => {
    const id = await create({ listeners: [aListener(80, { newDefaultPool: aPool() })] });
    await settled(id);
    await bench.domain.loadBalancers.remove(anyone, id, true);
    await settled(id);
    expect(await statusOf(id)).to.equal('DELETED');
    expect(await bench.domain.loadBalancers.list(anyone)).to.deep.equal([]);
    expect(await bench.domain.ports.list(anyone)).to.deep.equal([]);
    expect(bench.deployer.running.get(1)?.size).to.equal(0);
  });

  it('have higher fencing numbers than those of a deleted load balancer with the same id', async () => {
    await bench.stop();
    const clock = { now: Date.now() };
    bench = await makeTestBalancer(folder.path, { isReopened: true, clock: () => clock.now });
    const wish = { id: '00000000-0000-4000-8000-00000000000a' };
    const id = await create(wish);
    await settled(id);
    await bench.domain.loadBalancers.remove(anyone, id, true);
    await settled(id);
    await faultOf('balancer_conflict', create(wish));
    const numbers = () => bench.deployer.calls.map(({ fencing }) => fencing?.revision ?? 0);
    const last = Math.max(...numbers());
    clock.now += deletedMs + 1000;
    // Its row goes with the next look for what is to leave a node.
    bench.nodes.of(1).isReachable = false;
    bench.nodes.say(1);
    bench.nodes.of(1).isReachable = true;
    bench.nodes.say(1);
    while (await bench.store.one('SELECT id FROM balancer_load_balancers')) await pause();
    await create(wish);
    await settled(id);
    expect(numbers().at(-1)).to.be.greaterThan(last);
  });

  it('that delete do not wait for a node that is away, which loses it when it answers', async () => {
    const id = await create();
    await settled(id);
    bench.deployer.answer = (node) => (node === 2 ? 'unreachable' : 'running');
    await bench.domain.loadBalancers.remove(anyone, id, false);
    await settled(id);
    expect(await statusOf(id)).to.equal('DELETED');
    expect(bench.deployer.running.get(2)?.has(id)).to.equal(true);
    bench.deployer.answer = 'running';
    bench.nodes.say(2);
    while (await bench.store.one('SELECT 1 AS open FROM balancer_leavings')) await pause();
    expect(bench.deployer.running.get(2)?.has(id)).to.equal(false);
  });

  it('end at their deadline although no node says anything', async () => {
    await bench.stop();
    bench = await makeTestBalancer(folder.path, {
      isReopened: true,
      config: { change_timeout: 5 },
    });
    bench.deployer.hold();
    const id = await create();
    expect(await settled(id)).to.equal(true);
    expect(await statusOf(id)).to.equal('ERROR');
    const { lastError } = await bench.domain.loadBalancers.status(anyone, id);
    expect(lastError).to.equal('The nodes have not answered within 5 s.');
  });

  it('end in ERROR with a reason if the controller itself cannot carry them out', async () => {
    const id = await create();
    await settled(id);
    bench.deployer.answer = () => {
      throw new TypeError('no such option');
    };
    await bench.domain.loadBalancers.change(anyone, id, { name: 'x' });
    expect(await settled(id)).to.equal(true);
    expect(await statusOf(id)).to.equal('ERROR');
    const { lastError } = await bench.domain.loadBalancers.status(anyone, id);
    expect(lastError).to.equal('It cannot be carried out: no such option');
    bench.deployer.answer = 'running';
    await bench.domain.loadBalancers.repair(anyone, id);
    await untilStatus(id, 'ACTIVE');
  });

  it('that end after their deadline leave a later change alone', async () => {
    const id = await create();
    await settled(id);
    bench.deployer.hold();
    await bench.domain.loadBalancers.change(anyone, id, { name: 'x' });
    const job = await readJob(bench.store, id);
    if (job?.changeTurn === undefined) throw new Error('the change has no job');
    await bench.store.write((transaction) =>
      transaction.run('UPDATE balancer_jobs SET change_turn = $1', [(job.changeTurn ?? 0) + 1]),
    );
    const late = { turns: [], why: 'late', nodes: [], fence: 0 };
    await bench.store.write((transaction) => endAttempt(transaction, job, late, Date.now()));
    expect(await statusOf(id)).to.equal('PENDING_UPDATE');
    await bench.store.write((transaction) =>
      endFailedDeletion(transaction, job, 'late', Date.now()),
    );
    expect(await statusOf(id)).to.equal('PENDING_UPDATE');
  });

  it('go on after the next start, and change nothing of what was asked', async () => {
    bench.deployer.hold();
    const id = await create({ name: 'web' });
    await bench.deployer.untilWaiting(id);
    await bench.stop();
    bench = await makeTestBalancer(folder.path, { isReopened: true });
    expect(await settled(id)).to.equal(true);
    expect(await bench.domain.loadBalancers.get(anyone, id)).to.include({
      name: 'web',
      provisioning: 'ACTIVE',
    });
  });

  for (let commits = 1; commits <= 12; commits += 1) {
    it(`leave nothing PENDING if the store dies after ${commits} transactions`, async () => {
      await bench.stop();
      const deployer = heldDeployer();
      let left = commits;
      bench = await makeTestBalancer(folder.path, {
        isReopened: true,
        deployer,
        seen: (store): Store => ({
          identity: store.identity,
          all: (...values) => store.all(...values),
          one: (...values) => store.one(...values),
          write(work) {
            left -= 1;
            if (left < 0) return Promise.reject(new Error('the store is gone'));
            return store.write(work);
          },
          close: () => store.close(),
        }),
      });
      const accepted = await changesUntilFailure();
      await bench.stop();
      bench = await makeTestBalancer(folder.path, { isReopened: true, deployer });
      const all = await bench.domain.loadBalancers.list(anyone);
      for (const { id } of all) expect(await settled(id)).to.equal(true);
      for (const table of ['load_balancers', 'listeners', 'pools', 'members']) {
        const rows = await bench.store.all(
          `SELECT id FROM balancer_${table} WHERE provisioning NOT IN ('ACTIVE', 'DELETED') OR turn IS NOT NULL`,
        );
        expect(rows, table).to.deep.equal([]);
      }
      const ports = await bench.domain.ports.list(anyone);
      expect(ports.map(({ owner }) => owner)).to.deep.equal(
        (await bench.domain.loadBalancers.list(anyone)).map(({ id }) => id),
      );
      const found = await Promise.all(
        accepted.map(async ({ table, id }) =>
          bench.store.one(`SELECT provisioning FROM balancer_${table} WHERE id = $1`, [id]),
        ),
      );
      // What was accepted is there, or was deleted by a later change that was accepted too.
      const isDeleted = accepted.some(({ isDeletion }) => isDeletion);
      if (!isDeleted) expect(found).to.not.include(undefined);
      else expect(found[0]).to.deep.include({ provisioning: 'DELETED' });
    });
  }

  /** Makes changes until the store fails. @returns what was accepted */
  async function changesUntilFailure() {
    const accepted: { table: string; id: string; isDeletion: boolean }[] = [];
    try {
      const id = await create();
      accepted.push({ table: 'load_balancers', id, isDeletion: false });
      const place = { loadBalancer: id };
      await bench.domain.loadBalancers.settled(id, 300);
      const { pool } = await bench.domain.pools.create(
        anyone,
        place,
        aPool({ members: [aMember('10.0.0.1')] }),
      );
      accepted.push({ table: 'pools', id: pool.id, isDeletion: false });
      await bench.domain.loadBalancers.settled(id, 300);
      const { listener } = await bench.domain.listeners.create(
        anyone,
        place,
        aListener(80, { defaultPool: pool.id }),
      );
      accepted.push({ table: 'listeners', id: listener.id, isDeletion: false });
      await bench.domain.loadBalancers.settled(id, 300);
      await bench.domain.listeners.change(anyone, place, listener.id, { port: 81 });
      await bench.domain.loadBalancers.settled(id, 300);
      await bench.domain.loadBalancers.remove(anyone, id, true);
      accepted.push({ table: 'load_balancers', id, isDeletion: true });
      await bench.domain.loadBalancers.settled(id, 300);
    } catch {
      // The store has died, or a load balancer stays PENDING because of that.
    }
    return accepted;
  }

  async function untilStatus(id: string, wanted: string): Promise<void> {
    while ((await statusOf(id)) !== wanted) await pause();
  }

  async function untilNoJob(id: string): Promise<void> {
    while (
      await bench.store.one('SELECT 1 AS open FROM balancer_jobs WHERE load_balancer = $1', [id])
    )
      await pause();
  }
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
