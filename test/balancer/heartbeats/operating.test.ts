import { expect } from 'chai';

import type { KnownBalancer } from '../../../src/balancer/deploying.ts';
import type { Beat } from '../../../src/balancer/heartbeats/beat.ts';
import { type NodeSaid, operatingChanges } from '../../../src/balancer/heartbeats/operating.ts';
import type { OperatingStatus } from '../../../src/balancer/objects.ts';

const counters = { tx: 0, rx: 0, conns: 0, totconns: 0, ereq: 0 };

/** A heartbeat with one listener and one pool of two members. */
function beatOf({
  listener = 'OPEN',
  pool = 'UP',
  members = ['UP', 'UP'],
}: { listener?: string | null; pool?: string | null; members?: readonly string[] } = {}): Beat {
  const words = new Map(members.map((word, index) => [`m${index + 1}`, word]));
  return {
    amphora: 'a',
    seq: 1,
    hasDifferences: true,
    listeners: new Map(listener === null ? [] : [['l1', { status: listener, counters }]]),
    pools: new Map(pool === null ? [] : [['p1', [{ status: pool, members: words }]]]),
  };
}

const said = (node: number, last: Beat | undefined, more: Partial<NodeSaid> = {}): NodeSaid => ({
  node,
  isMaster: node === 1,
  hearing: last === undefined ? 'lost' : 'heard',
  last,
  former: last,
  ...more,
});

function known(more: Partial<KnownBalancer> = {}, operating: OperatingStatus = 'ONLINE') {
  const object = (id: string) => ({ id, isEnabled: true, operating });
  const members = ['m1', 'm2'].map((id) => ({ ...object(id), weight: 1 }));
  return {
    ...object('lb'),
    provisioning: 'ACTIVE',
    nodes: [1, 2],
    placedAt: 0,
    listeners: [object('l1')],
    pools: [{ ...object('p1'), hasMonitor: true, members }],
    ...more,
  } satisfies KnownBalancer;
}

/** The statuses after the changes: of the load balancer, its listener, its pool and its members. */
function statuses(balancer: KnownBalancer, words: readonly NodeSaid[]): string[] {
  const changes = new Map(
    operatingChanges(balancer, words).map(({ id, operating }) => [id, operating]),
  );
  const all = [
    balancer,
    ...balancer.listeners,
    ...balancer.pools.flatMap((pool) => [pool, ...pool.members]),
  ];
  return all.map(({ id, operating }) => changes.get(id) ?? operating);
}

const good = [said(1, beatOf()), said(2, beatOf())];

describe('the operating status', () => {
  it('is ONLINE for all when all is well, and nothing is written twice', () => {
    expect(statuses(known({}, 'OFFLINE'), good)).to.deep.equal(Array(5).fill('ONLINE'));
    expect(operatingChanges(known(), good)).to.deep.equal([]);
  });

  const cases: [string, Parameters<typeof beatOf>[0], string[]][] = [
    [
      'a full listener is DEGRADED',
      { listener: 'FULL' },
      ['DEGRADED', 'DEGRADED', 'ONLINE', 'ONLINE', 'ONLINE'],
    ],
    [
      'a listener that is missing is ERROR',
      { listener: null },
      ['ERROR', 'ERROR', 'ONLINE', 'ONLINE', 'ONLINE'],
    ],
    [
      'a listener of a process that is down is ERROR',
      { listener: 'DOWN' },
      ['ERROR', 'ERROR', 'ONLINE', 'ONLINE', 'ONLINE'],
    ],
    [
      'a member that is down makes its pool DEGRADED',
      { members: ['UP', 'DOWN'] },
      ['DEGRADED', 'ONLINE', 'DEGRADED', 'ONLINE', 'ERROR'],
    ],
    [
      'all members down make it ERROR',
      { pool: 'DOWN', members: ['DOWN', 'DOWN 1/2'] },
      ['ERROR', 'ONLINE', 'ERROR', 'ERROR', 'ERROR'],
    ],
    [
      'a member that is going down is still ONLINE',
      { members: ['UP 1/3', 'UP'] },
      ['ONLINE', 'ONLINE', 'ONLINE', 'ONLINE', 'ONLINE'],
    ],
    [
      'members may drain, be in maintenance or not be checked',
      { members: ['DRAIN', 'MAINT'] },
      ['ONLINE', 'ONLINE', 'ONLINE', 'DRAINING', 'OFFLINE'],
    ],
    [
      'members without a monitor are NO_MONITOR',
      { members: ['no check', 'no check'] },
      ['ONLINE', 'ONLINE', 'ONLINE', 'NO_MONITOR', 'NO_MONITOR'],
    ],
    [
      'a pool that is missing is OFFLINE with its members',
      { pool: null },
      ['ONLINE', 'ONLINE', 'OFFLINE', 'OFFLINE', 'OFFLINE'],
    ],
    [
      'a word that nobody knows changes nothing',
      { members: ['NOLB', 'RESTARTING'] },
      ['ONLINE', 'ONLINE', 'ONLINE', 'ONLINE', 'ONLINE'],
    ],
  ];
  for (const [title, beat, expected] of cases) {
    it(title, () => {
      expect(statuses(known(), [said(1, beatOf(beat)), said(2, beatOf())])).to.deep.equal(expected);
    });
  }

  it('of a member of weight 0 is DRAINING, with a monitor or without', () => {
    const [pool] = known().pools;
    const members = (pool?.members ?? []).map((each) => ({ ...each, weight: 0 }));
    const drained = known({ pools: pool ? [{ ...pool, members }] : [] });
    const words = [said(1, beatOf({ members: ['UP', 'no check'] }))];
    expect(statuses(drained, words).slice(3)).to.deep.equal(['DRAINING', 'DRAINING']);
  });

  it('of a disabled load balancer or object is OFFLINE, whatever is still heard of it', () => {
    expect(statuses(known({ isEnabled: false }), good)).to.deep.equal(Array(5).fill('OFFLINE'));
    const [listener] = known().listeners;
    const half = known({ listeners: listener ? [{ ...listener, isEnabled: false }] : [] });
    expect(statuses(half, good)).to.deep.equal(['ONLINE', 'OFFLINE', 'ONLINE', 'ONLINE', 'ONLINE']);
  });

  it('is what the MASTER says; a BACKUP counts only while it is silent, and then it is DEGRADED', () => {
    const bad = beatOf({ members: ['DOWN', 'UP'] });
    expect(statuses(known(), [said(1, beatOf()), said(2, bad)])).to.deep.equal(
      Array(5).fill('ONLINE'),
    );
    const second = [said(1, beatOf(), { isMaster: false }), said(2, bad, { isMaster: true })];
    expect(statuses(known(), second)[3]).to.equal('ERROR');
    expect(statuses(known(), [said(1, undefined), said(2, bad)])[3]).to.equal('ERROR');
    const alone = [said(1, undefined), said(2, beatOf())];
    expect(statuses(known(), alone)).to.deep.equal([
      'DEGRADED',
      'ONLINE',
      'ONLINE',
      'ONLINE',
      'ONLINE',
    ]);
  });

  it('is ERROR for all that is enabled when no node was heard in time, and not before', () => {
    const [pool] = known().pools;
    const members = (pool?.members ?? []).map((each, index) => ({
      ...each,
      isEnabled: index === 0,
    }));
    const partly = known({ pools: pool ? [{ ...pool, members }] : [] });
    const lost = [said(1, undefined), said(2, undefined)];
    expect(statuses(partly, lost)).to.deep.equal(['ERROR', 'ERROR', 'ERROR', 'ERROR', 'OFFLINE']);
    const waiting = [said(1, undefined), said(2, undefined, { hearing: 'waiting' })];
    expect(operatingChanges(partly, waiting)).to.deep.equal([]);
  });

  it('is not changed by one heartbeat without a listener or a pool, which may be a reload', () => {
    const empty = beatOf({ listener: null, pool: null });
    for (const former of [beatOf(), undefined]) {
      expect(operatingChanges(known(), [said(1, empty, { former })])).to.deep.equal([]);
    }
  });

  it('is not changed by what is missing while a change is under way, or before the first one is done', () => {
    const empty = said(1, beatOf({ listener: null, pool: null }));
    expect(operatingChanges(known({ provisioning: 'PENDING_UPDATE' }), [empty])).to.deep.equal([]);
    for (const provisioning of ['PENDING_CREATE', 'PENDING_DELETE', 'DELETED'] as const) {
      expect(operatingChanges(known({ provisioning }, 'OFFLINE'), good)).to.deep.equal([]);
    }
    const failed = known({ provisioning: 'ERROR' });
    expect(statuses(failed, [empty])[1]).to.equal('OFFLINE');
  });

  it('of a pool that two listeners use is the worse one', () => {
    const uses = [
      {
        status: 'UP',
        members: new Map([
          ['m1', 'UP'],
          ['m2', 'UP'],
        ]),
      },
      {
        status: 'UP',
        members: new Map([
          ['m1', 'DOWN'],
          ['m2', 'UP'],
        ]),
      },
    ];
    const beat = { ...beatOf(), pools: new Map([['p1', uses]]) };
    expect(statuses(known(), [said(1, beat)]).slice(2)).to.deep.equal([
      'DEGRADED',
      'ERROR',
      'ONLINE',
    ]);
  });
});
