import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import type {
  KnownBalancer,
  ListenerSum,
  OperatingChange,
} from '../../../src/balancer/deploying.ts';
import { type Heartbeats, makeHeartbeats } from '../../../src/balancer/heartbeats/heartbeats.ts';
import type { Statistics } from '../../../src/balancer/objects.ts';
import { waitUntil } from '../../lab/wait.ts';
import {
  beatBytes,
  beatKey,
  beatListener,
  openSender,
  signedBytes,
} from '../../support/balancer/beats.ts';
import { faultOf } from '../../support/faults.ts';
import { keepingLog } from '../../support/keeping-log.ts';

const everyMs = 2;
const recorded = new URL('../../fixtures/amphora/heartbeat/', import.meta.url);

/** A store with one load balancer, which does what it is told. */
function storeOf(balancer: KnownBalancer) {
  const state = {
    balancers: [balancer] as readonly KnownBalancer[],
    isAway: false,
    changes: [] as OperatingChange[],
    totals: new Map<string, Statistics>(),
    /** The statuses in the order of the tree. */
    statuses: () =>
      state.balancers.flatMap((each) => [
        each.operating,
        ...each.listeners.map(({ operating }) => operating),
        ...each.pools.flatMap((pool) => [
          pool.operating,
          ...pool.members.map(({ operating }) => operating),
        ]),
      ]),
    known: () =>
      state.isAway ? Promise.reject(new Error('away')) : Promise.resolve(state.balancers),
    setOperating(changes: readonly OperatingChange[]) {
      state.changes.push(...changes);
      if (changes.length > 0)
        state.balancers = state.balancers.map((each) => changed(each, changes));
      return Promise.resolve();
    },
    addStatistics(sums: readonly ListenerSum[]) {
      if (state.isAway) return Promise.reject(new Error('away'));
      for (const { node, listener, statistics } of sums) {
        const key = `${node} ${listener}`;
        const former = state.totals.get(key);
        const sum = (name: keyof Statistics) => (former?.[name] ?? 0) + statistics[name];
        state.totals.set(key, {
          bytesIn: sum('bytesIn'),
          bytesOut: sum('bytesOut'),
          totalConnections: sum('totalConnections'),
          requestErrors: sum('requestErrors'),
          activeConnections: statistics.activeConnections,
        });
      }
      return Promise.resolve();
    },
  };
  return state;
}

function changed(balancer: KnownBalancer, changes: readonly OperatingChange[]): KnownBalancer {
  const apply = <T extends { id: string }>(object: T): T => ({
    ...object,
    ...(changes.find(({ id }) => id === object.id) && {
      operating: changes.find(({ id }) => id === object.id)?.operating,
    }),
  });
  return {
    ...apply(balancer),
    listeners: balancer.listeners.map(apply),
    pools: balancer.pools.map((pool) => ({ ...apply(pool), members: pool.members.map(apply) })),
  };
}

const object = (id: string) => ({ id, isEnabled: true, operating: 'OFFLINE' as const });
const balancer: KnownBalancer = {
  ...object('lb-1'),
  vip: '192.0.2.9',
  provisioning: 'ACTIVE',
  nodes: [1, 2],
  placedAt: 0,
  listeners: [object('listener-1')],
  pools: [{ ...object('pool-1'), hasMonitor: true, members: [{ ...object('m1'), weight: 1 }] }],
};

describe('heartbeats', () => {
  let store: ReturnType<typeof storeOf>;
  let heartbeats: Heartbeats;
  let sender: Awaited<ReturnType<typeof openSender>>;
  let alive: Set<number>;
  /** The clock of the receiver, which the tests move. */
  let time: number;
  let lines: ReturnType<typeof keepingLog>['lines'];

  beforeEach(async () => {
    store = storeOf(balancer);
    alive = new Set([1, 2]);
    time = 0;
    const recording = keepingLog();
    lines = recording.lines;
    heartbeats = makeHeartbeats({
      listen: { host: '::', port: 0 },
      key: beatKey,
      nodeOf: (amphora) => ({ a1: 1, a2: 2 })[amphora],
      isMaster: (node) => node === 1,
      isAlive: (node) => alive.has(node),
      store,
      log: recording.log,
      times: { intervalMs: 1000, timeoutMs: 5000 },
      tickMs: 5,
      now: () => time,
    });
    await heartbeats.start();
    sender = await openSender(heartbeats.port());
  });
  afterEach(async () => {
    sender.close();
    await heartbeats.stop();
  });

  const total = () => Object.values(heartbeats.counts()).reduce((sum, each) => sum + each, 0);
  /** Sends a datagram, and returns when it was judged. */
  async function send(bytes: Buffer): Promise<void> {
    const before = total();
    await sender.send(bytes);
    await waitUntil('it came', () => total() > before, { everyMs });
  }
  const beat = (
    node: number,
    seq: number,
    stats = {},
    members: Record<string, string> = { m1: 'UP' },
  ) => send(beatBytes(`a${node}`, seq, [beatListener('listener-1', stats, members)]));
  const untilStatuses = (expected: string) =>
    waitUntil(`the statuses are ${expected}`, () => store.statuses().join() === expected, {
      everyMs,
    });
  /** Lets the receiver judge at least twice in full. */
  async function judged(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      let asked = false;
      const { known } = store;
      store.known = () => {
        asked = true;
        return known();
      };
      await waitUntil('it was judged', () => asked, { everyMs });
      store.known = known;
    }
  }
  /** Goes on in steps that are no pause. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      time += Math.min(500, ms - passed);
      await judged();
    }
  }
  const good = 'ONLINE,ONLINE,ONLINE,ONLINE';
  const sumOf = (node: number) => store.totals.get(`${node} listener-1`);

  it('make a load balancer ONLINE when both nodes send them, and a member that fails makes it DEGRADED', async () => {
    await beat(1, 0);
    await beat(2, 0);
    await untilStatuses(good);
    await beat(1, 1, {}, { m1: 'DOWN' });
    await untilStatuses('DEGRADED,ONLINE,DEGRADED,ERROR');
    await beat(2, 1, {}, { m1: 'DOWN' });
    await beat(1, 2);
    await untilStatuses(good);
  });

  it('are read as Octavia sends them, with a hexadecimal and with a raw signature', async () => {
    const real = readFileSync(new URL('octavia-11.0.0.json', recorded), 'utf8');
    const known = real.replace(/"id": "[^"]+"/, '"id": "a1"');
    await send(signedBytes(known));
    await send(signedBytes(known.replace('"seq": 67', '"seq": 68'), true));
    expect(heartbeats.counts()).to.deep.equal({ taken: 2 });
    await judged();
    const listener = '02d0da8d-fc65-4bc4-bc46-95cadb2315d2';
    expect(store.totals.get(`1 ${listener}`)).to.deep.equal({
      bytesIn: 14,
      bytesOut: 10,
      activeConnections: 2,
      totalConnections: 18,
      requestErrors: 2,
    });
  });

  it('are not taken with another key, and when they were cut or changed', async () => {
    const right = beatBytes('a1', 5, [beatListener('listener-1')]);
    await send(beatBytes('a1', 5, [], { key: 'another key' }));
    for (const length of [1, 10, 32, 33, 64, 65, right.length - 1]) {
      await send(right.subarray(0, length));
    }
    for (let bit = 0; bit < right.length * 8; bit += 37) {
      const flipped = Buffer.from(right);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await send(flipped);
    }
    expect(Object.keys(heartbeats.counts())).to.deep.equal(['wrong signature']);
    expect(heartbeats.heardAt(1)).to.equal(undefined);
    expect(lines.filter(({ why }) => why === 'wrong signature')).to.have.length(1);
    await send(right);
    expect(heartbeats.counts()).to.include({ taken: 1 });
  });

  it('are refused if they are no heartbeats, however well they are signed', async () => {
    const bomb = signedBytes(Buffer.alloc(50 * 1024 * 1024));
    expect(bomb.length).to.be.below(65_000);
    const many = Object.fromEntries(
      Array.from({ length: 20_001 }, (_each, index) => [index.toString(36), {}]),
    );
    const bodies = [
      bomb,
      ...['', '{', 'null', '[]', '{"id": "a1"}'].map((text) => signedBytes(text)),
      signedBytes(JSON.stringify({ id: 'a1', seq: -1, listeners: {}, ver: 3 })),
      signedBytes(JSON.stringify({ id: 'a1', seq: 1, listeners: {}, ver: 4 })),
      signedBytes(JSON.stringify({ id: 'a1', seq: 1, listeners: many, ver: 3 })),
      signedBytes('{"id": "a1", "seq": 1e99, "listeners": {}, "ver": 3}'),
    ];
    for (const body of bodies) await send(body);
    expect(heartbeats.counts()).to.deep.equal({ 'not readable': bodies.length });
    await send(beatBytes('nobody', 1, []));
    expect(heartbeats.counts()).to.include({ 'unknown amphora': 1 });
  });

  it('as large as a datagram may be are taken', async () => {
    const ids = Array.from({ length: 420 }, () => randomBytes(16).toString('hex'));
    const large = beatBytes(
      'a1',
      1,
      ids.map((id) => beatListener(id, {}, { [id]: 'UP', [`${id}x`]: 'UP' })),
    );
    expect(large.length).to.be.within(15_000, 65_507);
    await send(large);
    await send(randomBytes(65_507));
    expect(heartbeats.counts()).to.deep.equal({ taken: 1, 'wrong signature': 1 });
  });

  it('are counted once: a replay and an older one change nothing', async () => {
    const one = beatBytes('a1', 7, [beatListener('listener-1', { rx: 5, conns: 3 }, { m1: 'UP' })]);
    await send(one);
    await send(one);
    await beat(1, 6, { rx: 100 }, { m1: 'DOWN' });
    await untilStatuses(good);
    await judged();
    expect(sumOf(1)).to.include({ bytesIn: 5, activeConnections: 3 });
    await beat(1, 9, { rx: 2, conns: 1 });
    await judged();
    expect(sumOf(1)).to.include({ bytesIn: 7, activeConnections: 1 });
    expect(heartbeats.counts()).to.deep.equal({ taken: 2, old: 2 });
  });

  it('count after a restart of the agent, and recorded ones of a dead node do not', async () => {
    await beat(1, 5000);
    await pass(2000);
    await beat(1, 0);
    await beat(1, 1);
    expect(heartbeats.counts()).to.deep.equal({ taken: 2, old: 1 });
    // Recorded before the restart, and far ahead of the new row.
    await beat(1, 5001);
    expect(heartbeats.counts()).to.include({ old: 2 });
    await beat(1, 2);
    expect(heartbeats.counts()).to.include({ taken: 3 });
    alive.delete(1);
    await pass(6000);
    await beat(1, 0);
    await beat(1, 1);
    expect(heartbeats.counts()).to.include({ taken: 3, old: 4 });
  });

  it('with totals are counted by what they have grown, and from 0 after a restart of haproxy', async () => {
    const totals = (seq: number, rx: number) =>
      send(
        beatBytes('a1', seq, [beatListener('listener-1', { rx, totconns: rx })], { version: 1 }),
      );
    // What was counted before this process began may be in the store already.
    await totals(1, 1000);
    await totals(2, 1010);
    await totals(3, 4);
    await totals(4, 6);
    await judged();
    expect(sumOf(1)).to.include({ bytesIn: 16, totalConnections: 16 });
  });

  it('are missed after the timeout, one node first and then both', async () => {
    await beat(1, 0, { conns: 4 });
    await beat(2, 0);
    await untilStatuses(good);
    await pass(4000);
    await beat(2, 1);
    await pass(2000);
    await untilStatuses('DEGRADED,ONLINE,ONLINE,ONLINE');
    expect(sumOf(1)?.activeConnections).to.equal(0);
    expect(heartbeats.troubles(balancer).join()).to.match(/^Node 1 has not been heard of for 6 s/);
    await pass(4000);
    await untilStatuses('ERROR,ERROR,ERROR,ERROR');
    expect(heartbeats.troubles(balancer)).to.have.length(2);
    await beat(1, 1);
    await beat(2, 2);
    await untilStatuses(good);
    expect(heartbeats.troubles(balancer)).to.deep.equal([]);
  });

  it('are not missed while this process stood still, for one timeout', async () => {
    await beat(1, 0);
    await beat(2, 0);
    await untilStatuses(good);
    time += 60_000;
    await judged();
    await pass(4500);
    expect(store.statuses().join()).to.equal(good);
    await pass(2000);
    await untilStatuses('ERROR,ERROR,ERROR,ERROR');
  });

  it('are a trouble after three intervals if a node that was placed never sends one', async () => {
    await pass(2500);
    expect(heartbeats.troubles(balancer)).to.deep.equal([]);
    await pass(1000);
    const port = String(heartbeats.port());
    expect(heartbeats.troubles(balancer)[0])
      .to.match(/^Node 1 has not been heard of: /)
      .and.to.include(port);
    expect(store.statuses()[0]).to.equal('OFFLINE');
  });

  it('are remembered while the store is away, and written once when it is back', async () => {
    store.isAway = true;
    await beat(1, 0, { rx: 3, conns: 2 });
    await beat(1, 1, { rx: 4, conns: 1 });
    const isLogged = () => lines.some(({ why }) => why === 'away');
    await waitUntil('it was tried', isLogged, { everyMs });
    store.isAway = false;
    await untilStatuses(good);
    await waitUntil('it is written', () => sumOf(1) !== undefined, { everyMs });
    expect(sumOf(1)).to.include({ bytesIn: 7, activeConnections: 1 });
    expect(lines.filter(({ why }) => why === 'away')).to.have.length(1);
  });

  it('that arrive before a change is deployed do not make its new listener an ERROR', async () => {
    await beat(1, 0);
    await beat(1, 1);
    await untilStatuses(good);
    const second = { ...object('listener-2') };
    store.balancers = store.balancers.map((each) => ({
      ...each,
      listeners: [...each.listeners, second],
    }));
    time += 100;
    await judged();
    expect(store.statuses()[2]).to.equal('OFFLINE');
    time += 100;
    await beat(1, 2);
    await beat(1, 3);
    await waitUntil('it is missed', () => store.statuses()[2] === 'ERROR', { everyMs });
  });

  it('in a flood of 50,000 wrong and old datagrams change nothing, and memory stays', async function () {
    this.timeout(120_000);
    await beat(1, 0);
    await beat(2, 0);
    await untilStatuses(good);
    const written = store.changes.length;
    const wrong = [
      randomBytes(400),
      beatBytes('a1', 9, [], { key: 'wrong' }),
      beatBytes('a1', 0, [beatListener('listener-1', {}, { m1: 'DOWN' })]),
      signedBytes('{}'),
    ];
    const flood = async (count: number) => {
      for (let sent = 0; sent < count; sent += 32) {
        await Promise.all(
          Array.from({ length: 32 }, (_each, index) =>
            sender.send(wrong[index % wrong.length] ?? randomBytes(1)),
          ),
        );
        // Datagrams are sent without a turn of the loop, and 32 are received in one.
        await turn();
      }
    };
    await flood(10_000);
    const before = process.memoryUsage().rss;
    await flood(40_000);
    const grown = process.memoryUsage().rss - before;
    expect(grown / 1024 / 1024).to.be.below(60);
    expect(total()).to.be.greaterThan(40_000);
    await beat(1, 1);
    await beat(2, 1);
    await judged();
    expect(store.statuses().join()).to.equal(good);
    expect(store.changes).to.have.length(written);
  });

  it('need a port that is free', async () => {
    const other = makeHeartbeats({
      listen: { host: '::', port: heartbeats.port() },
      key: beatKey,
      nodeOf: () => undefined,
      isMaster: () => false,
      isAlive: () => false,
      store,
      log: keepingLog().log,
      times: { intervalMs: 1000, timeoutMs: 5000 },
    });
    const fault = await faultOf('invalid_config', other.start());
    expect(fault.message).to.include('EADDRINUSE');
  });
});
