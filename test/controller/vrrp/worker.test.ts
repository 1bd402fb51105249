import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { Store, StoreIdentity } from '../../../src/controller/store/store.ts';
import type { VrrpInstance } from '../../../src/controller/vrrp/instances.ts';
import { defaultTimes, type QueueTimes } from '../../../src/controller/vrrp/node-queue.ts';
import { setInstances } from '../../../src/controller/vrrp/rows.ts';
import { vrrpMigrations } from '../../../src/controller/vrrp/tables.ts';
import { makeTrial } from '../../../src/controller/vrrp/trial.ts';
import { makeVrrpWorker, type VrrpWorker } from '../../../src/controller/vrrp/worker.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import {
  digestOfWanted,
  nodesDouble,
  renderShortly,
} from '../../support/controller/nodes-double.ts';
import { storeDouble } from '../../support/controller/store-double.ts';

const quick: QueueTimes = {
  collectMs: 5,
  gapMs: 10,
  nextGapMs: 10,
  firstRetryMs: 20,
  maxRetryMs: 40,
};

describe('the worker of VRRP', () => {
  let worker: VrrpWorker | undefined;
  afterEach(() => worker?.stop());

  function bench({
    times = quick,
    identity,
  }: { times?: QueueTimes; identity?: StoreIdentity } = {}) {
    const store = storeDouble(vrrpMigrations, identity);
    const nodes = nodesDouble();
    for (const id of [1, 2, 3]) {
      nodes.add(`n${id}`, [{ name: 'eth0', addresses: [`10.0.0.${id}/24`] }]);
    }
    const { registry, links } = nodes;
    const made = makeVrrpWorker({
      store,
      registry,
      links,
      digestOf: digestOfWanted,
      log: keepingLog().log,
      times,
    });
    worker = made;
    const put = (id: number, priority = 150, on = [1, 2]) =>
      store.write((transaction) =>
        setInstances(transaction, { family: 'gateway', id }, [instanceOf(id, priority, on)], 0),
      );
    return { store, nodes, worker: made, put };
  }

  const instanceOf = (id: number, priority: number, on: readonly number[]): VrrpInstance => ({
    name: `vg_${id}`,
    owner: { family: 'gateway', id },
    family: 'ipv4',
    segment: '10.0.0.0/24',
    routerId: id,
    addresses: [`10.0.0.${100 + id}/24`],
    interval: 1,
    preempt: true,
    isUnicast: true,
    syncGroup: null,
    check: null,
    isActive: true,
    peers: on.map((node) => ({ node, interface: 'eth0', priority })),
  });

  /** Waits until something is so; it fails by the timeout of the test. */
  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(5);
  }

  it('orders the nodes of a change and no other', async () => {
    const { nodes, worker, put } = bench();
    await put(1);
    const outcomes = await worker.apply([1, 2]);
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['running', 'running']);
    expect([1, 2, 3].map((id) => nodes.of(id).orders.length)).to.deep.equal([1, 1, 0]);
    expect(nodes.of(1).orders[0]?.orders).to.include({ epoch: 1 });
  });

  it('asks a node for nothing if its part stays the same', async () => {
    const { nodes, worker, put } = bench();
    await put(1);
    await worker.apply([1, 2, 3]);
    await worker.apply([1, 2, 3]);
    expect([1, 2, 3].map((id) => nodes.of(id).orders.length)).to.deep.equal([1, 1, 1]);
  });

  it('makes a hundred changes in a second three orders at most', async function () {
    this.timeout(30_000);
    const { nodes, worker, put } = bench({ times: defaultTimes });
    const startedAt = performance.now();
    const changes: Promise<unknown>[] = [];
    for (let id = 1; id <= 100; id += 1) {
      await put(id, 150, [1]);
      changes.push(worker.apply([1]));
      await sleep(Math.max(0, startedAt + id * 9 - performance.now()));
    }
    await Promise.all(changes);
    const { orders } = nodes.of(1);
    expect(orders.length).to.be.within(1, 3);
    expect(orders.at(-1)?.wanted.instances).to.have.length(100);
    // The second one waits, although its changes came before.
    const gaps = orders.slice(1).map(({ at }, index) => at - (orders[index]?.at ?? 0));
    expect(gaps.every((gap) => gap >= 950)).to.equal(true);
  });

  it('says which node refuses, with the words of the node', async () => {
    const { nodes, worker, put } = bench();
    nodes.of(2).onOrder = () => {
      throw new Fault('node_refused', 'n2 says: keepalived complains.');
    };
    await put(1);
    const outcomes = await worker.apply([1, 2]);
    expect(outcomes[0]).to.include({ result: 'running' });
    expect(outcomes[1]).to.include({ result: 'refused', why: 'n2 says: keepalived complains.' });
    expect(worker.trouble(2)).to.include({ result: 'refused' });
  });

  it('answers at once for an unreachable node, and orders when it reports', async () => {
    const { nodes, worker, put } = bench({
      times: { ...quick, firstRetryMs: 60_000, maxRetryMs: 60_000 },
    });
    await worker.start();
    nodes.of(2).isReachable = false;
    await put(1);
    const outcomes = await worker.apply([1, 2]);
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['running', 'unreachable']);
    nodes.of(2).isReachable = true;
    nodes.say(2);
    await until(() => nodes.of(2).orders.length === 1);
    await until(() => worker.trouble(2) === undefined);
  });

  it('says of an agent without a part for keepalived that it can be ordered nothing', async () => {
    const { nodes, worker, put } = bench();
    nodes.of(2).isIncapable = true;
    expect(worker.trouble(2)).to.include({ result: 'incapable' });
    await put(1);
    const [, outcome] = await worker.apply([1, 2]);
    expect(outcome).to.include({ result: 'incapable' });
    expect(outcome?.why).to.include('takes no orders for keepalived');
    nodes.of(2).isIncapable = false;
    nodes.say(2);
    await until(() => nodes.of(2).orders.length === 1);
    expect(worker.trouble(2)).to.equal(undefined);
  });

  it('orders nothing of a node that has not reported yet, because it may run what must stay', async () => {
    const { nodes, worker, put } = bench();
    nodes.of(1).report = undefined;
    await put(1, 150, [1]);
    await worker.start();
    expect((await worker.apply([1]))[0]).to.include({ result: 'unreachable' });
    expect(nodes.of(1).orders).to.deep.equal([]);
    nodes.say(1);
    await until(() => nodes.of(1).orders.length === 1);
  });

  it('answers all who wait for a node that goes meanwhile', async () => {
    const { nodes, worker, put } = bench();
    await put(1, 150, [1]);
    nodes.remove(1);
    const outcomes: Promise<unknown>[] = [];
    for (let at = 0; at < 20; at += 1) {
      outcomes.push(worker.apply([1]));
      await sleep(1);
    }
    expect(await Promise.all(outcomes)).to.have.length(20);
  });

  it('tries again by itself after a refusal, with growing pauses', async () => {
    const { nodes, worker, put } = bench();
    let refusals = 0;
    nodes.of(1).onOrder = () => {
      refusals += 1;
      if (refusals <= 3) throw new Fault('node_refused', 'No.');
    };
    await put(1, 150, [1]);
    expect((await worker.apply([1]))[0]?.result).to.equal('refused');
    await until(() => worker.trouble(1) === undefined);
    expect(refusals).to.equal(4);
  });

  it('counts a node that does not answer an order as unreachable', async () => {
    const { nodes, worker, put } = bench();
    nodes.of(1).onOrder = () => {
      throw new Fault('node_unreachable', 'It took too long.');
    };
    await put(1, 150, [1]);
    expect((await worker.apply([1]))[0]).to.include({ result: 'unreachable' });
  });

  it('orders again if a node reports that it runs something else', async () => {
    const { nodes, worker, put } = bench();
    await put(1, 150, [1]);
    await worker.apply([1]);
    await worker.start();
    nodes.say(1, { running: null }, performance.now() + 1);
    await until(() => nodes.of(1).orders.length === 2);
    expect(nodes.of(1).orders[1]?.orders).to.deep.equal(nodes.of(1).orders[0]?.orders);
  });

  it('orders all nodes of an instance again if one reports another address', async () => {
    const { nodes, worker, put } = bench();
    await put(1);
    await worker.start();
    await until(() => nodes.of(2).orders.length === 1);
    const { node } = nodes.of(1);
    nodes.of(1).node = { ...node, interfaces: [{ name: 'eth0', addresses: ['10.0.0.77/24'] }] };
    nodes.say(1);
    await until(() => nodes.of(2).orders.at(-1)?.wanted.instances[0]?.peers?.[0] === '10.0.0.77');
    await until(() => nodes.of(1).orders.at(-1)?.wanted.instances[0]?.source === '10.0.0.77');
  });

  it('leaves an instance on a node whose interface is without its address for a while', async () => {
    const { nodes, worker, put } = bench();
    await put(1);
    await worker.apply([1, 2]);
    for (const interfaces of [[{ name: 'eth0', addresses: ['fe80::1/64'] }], []]) {
      nodes.of(1).node = { ...nodes.of(1).node, interfaces };
      const outcomes = await worker.apply([1, 2]);
      expect(outcomes.map(({ result }) => result)).to.deep.equal(['running', 'running']);
      expect([1, 2].map((id) => nodes.of(id).orders.length)).to.deep.equal([1, 1]);
    }
  });

  it('orders what the store says when it starts after a crash', async () => {
    const { nodes, worker, put } = bench();
    await put(1, 150, [1]);
    await worker.start();
    await until(() => nodes.of(1).orders.length === 1);
    expect(nodes.of(1).orders[0]?.wanted.instances).to.have.length(1);
  });

  it('orders a node without an instance nothing to run, so that it is known as its own', async () => {
    const { nodes, worker } = bench();
    await worker.start();
    await until(() => nodes.of(3).orders.length === 1);
    expect(nodes.of(3).orders[0]?.wanted).to.deep.equal({ instances: [] });
  });

  it('leaves a node alone that runs something else since before a restore', async () => {
    const identity = { id: 'a', epoch: 2 };
    const { nodes, worker, put } = bench({ identity });
    const former = { store: 'a', epoch: 1, revision: 7, digest: 'other' };
    nodes.say(1, { running: former });
    await put(1, 150, [1]);
    const [held] = await worker.apply([1]);
    expect(held).to.include({ result: 'held' });
    expect(held?.why).to.include('hactl group adopt');
    expect(nodes.of(1).orders).to.deep.equal([]);
    expect((await worker.confirm(1))[0]?.result).to.equal('running');
    expect(nodes.of(1).orders).to.have.length(1);
    await put(1, 100, [1]);
    expect((await worker.apply([1]))[0]?.result).to.equal('running');
  });

  it('reports a node that runs what a restored store does not know at all, and leaves it alone', async () => {
    const { nodes, worker } = bench({ identity: { id: 'a', epoch: 2 } });
    await worker.start();
    nodes.say(3, { running: { store: 'a', epoch: 1, revision: 7, digest: 'other' } });
    await until(() => worker.trouble(3)?.result === 'held');
    expect(nodes.of(3).orders).to.deep.equal([]);
    expect((await worker.orders()).get(3)?.confirmedEpoch).to.equal(0);
  });

  it('renews the orders of a node that runs the same since before a restore', async () => {
    const { nodes, worker, put, store } = bench({ identity: { id: 'a', epoch: 2 } });
    await put(1, 150, [1]);
    await worker.apply([1]);
    const digest = nodes.of(1).orders[0]?.orders.digest ?? '';
    await store.write((transaction) => transaction.run('DELETE FROM vrrp_orders'));
    nodes.say(1, { running: { store: 'a', epoch: 1, revision: 9, digest } }, performance.now() + 1);
    await sleep(2);
    expect((await worker.apply([1]))[0]?.result).to.equal('running');
    expect(nodes.of(1).orders.at(-1)?.orders).to.include({ epoch: 2, digest });
  });

  it('names what would go from a node that is held', async () => {
    const { nodes, worker, put } = bench({ identity: { id: 'a', epoch: 2 } });
    const instances = [1, 7].map((id) => ({
      ...{
        name: `vg_${id}`,
        state: 'BACKUP' as const,
        since: null,
        effectivePriority: null,
        addresses: [],
      },
    }));
    nodes.say(1, { running: { store: 'a', epoch: 1, revision: 7, digest: 'other' }, instances });
    await put(1, 150, [1]);
    expect((await worker.apply([1]))[0]?.why).to.include('(vg_7 would go)');
  });

  it('leaves a node alone that runs orders of another copy of the store', async () => {
    const { nodes, worker, put } = bench({ identity: { id: 'a', epoch: 1 } });
    await put(1, 150, [1]);
    await worker.apply([1]);
    const own = nodes.of(1).orders[0]?.orders ?? { revision: 0, digest: '' };
    for (const other of [{ revision: own.revision + 9 }, { digest: 'other' }]) {
      const running = { ...{ store: 'a', epoch: 1 }, ...own, ...other };
      nodes.say(1, { running }, performance.now() + 1);
      await sleep(2);
      await put(1, Math.ceil(Math.random() * 254), [1]);
      const [held] = await worker.apply([1]);
      expect(held).to.include({ result: 'held' });
      expect(held?.why).to.include('another controller has a copy of the store');
    }
    expect(nodes.of(1).orders).to.have.length(1);
  });

  it('orders a host that was removed as lost and has joined again', async () => {
    const { nodes, worker, put } = bench({ identity: { id: 'a', epoch: 1 } });
    await put(1, 150, [1]);
    await worker.apply([1]);
    const running = nodes.of(1).orders[0]?.orders ?? null;
    nodes.remove(1);
    nodes.say(3, { running });
    expect((await worker.apply([3]))[0]).to.include({ result: 'running' });
    expect(nodes.of(3).orders.at(-1)?.orders.revision).to.be.greaterThan(running?.revision ?? 0);
  });

  it('forgets a node that is gone', async () => {
    const { nodes, worker, put } = bench();
    await put(1, 150, [1]);
    nodes.remove(1);
    expect((await worker.apply([1]))[0]).to.include({ result: 'gone' });
  });

  it('answers all who wait when it stops, and all who come later', async () => {
    const { nodes, worker, put } = bench({ times: { ...quick, collectMs: 60_000 } });
    await put(1, 150, [1]);
    const waiting = worker.apply([1]);
    worker.stop();
    for (const outcomes of [await waiting, await worker.apply([1, 3])]) {
      expect(outcomes[0]).to.include({ result: 'unreachable', why: 'The controller is stopping.' });
    }
    expect(nodes.of(1).orders).to.deep.equal([]);
  });

  it('takes a store that cannot be written for a passing trouble', async () => {
    const { worker, put, store, nodes } = bench();
    await put(1, 150, [1]);
    store.fail(new Fault('no_space', 'The disk is full.'));
    expect((await worker.apply([1]))[0]).to.include({ result: 'failed', why: 'The disk is full.' });
    store.fail(undefined);
    await until(() => nodes.of(1).orders.length === 1);
  });

  it('tries a change as the diff of each file, and leaves nothing behind', async () => {
    const { store, nodes, put } = bench();
    await put(1, 150, [1]);
    const tryOut = makeTrial(store, nodes.registry, renderShortly);
    const diffs = await tryOut((transaction) =>
      setInstances(transaction, { family: 'gateway', id: 1 }, [instanceOf(1, 99, [1, 2])], 0),
    );
    expect(diffs.map(({ name }) => name)).to.deep.equal(['n1', 'n2']);
    expect(diffs[0]?.diff).to.include('-  priority 150\n+  priority 99\n');
    const row = await store.one('SELECT COUNT(*) AS count FROM vrrp_peers');
    expect(row?.['count']).to.equal(1);
  });

  it('tries a change for a node without its address as the change itself would plan it', async () => {
    const { store, nodes, put, worker } = bench();
    await put(1, 150, [1]);
    await worker.apply([1]);
    nodes.of(1).node = { ...nodes.of(1).node, interfaces: [{ name: 'eth0', addresses: [] }] };
    const tryOut = makeTrial(store, nodes.registry, renderShortly);
    const diffs = await tryOut((transaction) =>
      setInstances(transaction, { family: 'gateway', id: 1 }, [instanceOf(1, 99, [1])], 0),
    );
    expect(diffs[0]?.diff).to.include('-  priority 150\n+  priority 99\n');
  });

  it('renders the files of a trial when its transaction is over', async () => {
    const { store, nodes } = bench();
    let isOpen = false;
    const watched: Pick<Store, 'write'> = {
      write: (work) =>
        store
          .write((transaction) => {
            isOpen = true;
            return work(transaction);
          })
          .finally(() => (isOpen = false)),
    };
    const seen: boolean[] = [];
    const tryOut = makeTrial(watched, nodes.registry, (...parts) => {
      seen.push(isOpen);
      return renderShortly(...parts);
    });
    await tryOut((transaction) =>
      setInstances(transaction, { family: 'gateway', id: 1 }, [instanceOf(1, 99, [1])], 0),
    );
    expect(new Set(seen)).to.deep.equal(new Set([false]));
  });
});
