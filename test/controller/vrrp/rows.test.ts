import { expect } from 'chai';

import type { VrrpInstance } from '../../../src/controller/vrrp/instances.ts';
import { searchFrom, takeRouterId } from '../../../src/controller/vrrp/router-ids.ts';
import { instancesOf, listInstances, setInstances } from '../../../src/controller/vrrp/rows.ts';
import { vrrpMigrations } from '../../../src/controller/vrrp/tables.ts';
import { faultOf } from '../../support/faults.ts';
import { storeDouble } from '../../support/controller/store-double.ts';

const minute = 60_000;
const start = 1_800_000_000_000;

function instanceOf(id: number, more: Partial<VrrpInstance> = {}): VrrpInstance {
  return {
    name: `vg_${id}`,
    owner: { family: 'gateway', id },
    family: 'ipv4',
    segment: 'lan',
    routerId: id,
    addresses: [`10.0.0.${id}/24`],
    interval: 0.5,
    preempt: false,
    isUnicast: true,
    syncGroup: null,
    check: null,
    isActive: true,
    peers: [{ node: 1, interface: 'eth0', priority: 150 }],
    ...more,
  };
}

function bench() {
  const store = storeDouble(vrrpMigrations);
  const set = (id: number, instances: VrrpInstance[], now = start) =>
    store.write((transaction) =>
      setInstances(transaction, { family: 'gateway', id }, instances, now),
    );
  const take = (id: number, more: Partial<Parameters<typeof takeRouterId>[1]> = {}) =>
    store.write((transaction) =>
      takeRouterId(transaction, {
        owner: { family: 'gateway', id },
        segment: 'lan',
        families: ['ipv4'],
        interfaces: [],
        onTheWire: new Set(),
        from: 1,
        now: start,
        ...more,
      }),
    );
  return { store, set, take };
}

describe('rows of VRRP instances', () => {
  it('come back as they were put in', async () => {
    const { store, set } = bench();
    const check = {
      type: 'tcp' as const,
      port: 80,
      intervalSeconds: 2,
      timeoutSeconds: 1,
      fall: 3,
      rise: 2,
    };
    const instance = instanceOf(1, { check, syncGroup: 'vs_1', isActive: false });
    await set(1, [instance]);
    expect(await listInstances(store)).to.deep.equal([instance]);
    expect(await instancesOf(store, { family: 'gateway', id: 1 })).to.deep.equal([instance]);
  });

  it('are listed in the order of their owners, whatever the order in which they came', async () => {
    const { store, set } = bench();
    for (const id of [10, 2, 1]) await set(id, [instanceOf(id)]);
    await set(2, [instanceOf(2, { interval: 1 })]);
    const names = (await listInstances(store)).map(({ name }) => name);
    expect(names).to.deep.equal(['vg_1', 'vg_2', 'vg_10']);
  });

  it('cannot have one router id twice in a segment and family', async () => {
    const { set } = bench();
    await set(1, [instanceOf(1)]);
    const outcome = await set(2, [instanceOf(2, { routerId: 1 })]).catch(String);
    expect(outcome).to.match(/UNIQUE/);
    await set(2, [instanceOf(2, { routerId: 1, segment: 'other' })]);
    await set(3, [instanceOf(3, { routerId: 1, family: 'ipv6' })]);
  });
});

describe('a router id', () => {
  it('is the smallest that is free for all families of the owner', async () => {
    const { set, take } = bench();
    await set(1, [instanceOf(1)]);
    await set(2, [instanceOf(2, { family: 'ipv6' })]);
    expect(await take(9)).to.equal(2);
    expect(await take(9, { families: ['ipv4', 'ipv6'] })).to.equal(3);
    expect(await take(9, { segment: 'other' })).to.equal(1);
  });

  it('is not taken again for ten minutes after it was freed', async () => {
    const { set, take } = bench();
    await set(1, [instanceOf(1)]);
    await set(1, []);
    expect(await take(9, { now: start + 9 * minute })).to.equal(2);
    expect(await take(9, { now: start + 11 * minute })).to.equal(1);
  });

  it('does not rest for longer if the clock was set back', async () => {
    const { set, take } = bench();
    await set(1, [instanceOf(1)]);
    await set(1, []);
    expect(await take(9, { now: start - 300 * minute })).to.equal(1);
  });

  it('stays with its owner, even while other nodes see it on the wire', async () => {
    const { set, take } = bench();
    await set(5, [instanceOf(5)]);
    expect(await take(5, { present: 5, onTheWire: new Set([5]) })).to.equal(5);
  });

  it('is never one that other routers use', async () => {
    const { take } = bench();
    expect(await take(9, { onTheWire: new Set([1, 2]) })).to.equal(3);
    const fault = await faultOf('router_id_taken', take(9, { wanted: 2, onTheWire: new Set([2]) }));
    expect(fault.message).to.include('another router');
  });

  it('is never one that the same interface has in another segment', async () => {
    const { set, take } = bench();
    await set(1, [instanceOf(1)]);
    const interfaces = [{ node: 1, interface: 'eth0' }];
    expect(await take(9, { segment: 'other', interfaces })).to.equal(2);
    expect(
      await take(9, { segment: 'other', interfaces: [{ node: 1, interface: 'eth1' }] }),
    ).to.equal(1);
  });

  it('is sought far from the smallest ones until all nodes run what a restored store says', async () => {
    expect([1, 2, 3, 4].map((epoch) => searchFrom(epoch, false))).to.deep.equal([1, 98, 195, 37]);
    expect(searchFrom(2, true)).to.equal(1);
    const { set, take } = bench();
    await set(255, [instanceOf(255)]);
    expect(await take(9, { from: 98 })).to.equal(98);
    expect(await take(9, { from: 255 })).to.equal(1);
  });

  it('is refused after the 255th of a segment', async () => {
    const { set, take } = bench();
    for (let id = 1; id <= 255; id += 1) {
      const addresses = ['10.0.0.1/24'];
      await set(id, [instanceOf(id, { routerId: await take(id), addresses })]);
    }
    await faultOf('router_ids_exhausted', take(256));
  });
});
