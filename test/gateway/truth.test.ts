import { expect } from 'chai';

import type { NodeWord } from '../../src/controller/nodes/nodes.ts';
import type { VrrpInstance } from '../../src/controller/vrrp/instances.ts';
import type { NodeOutcome } from '../../src/controller/vrrp/worker.ts';
import type { Group } from '../../src/gateway/gateway.ts';
import { type Knowledge, viewOf } from '../../src/gateway/truth.ts';
import type { KeepalivedReport, ReportedInstance } from '../../src/keepalived/report.ts';

const now = 1_000_000;
const running = { store: 's', epoch: 1, revision: 1, digest: 'd' };

const group: Group = {
  id: 1,
  gateway: 1,
  name: 'VG1',
  status: 1,
  virtualIp: '10.0.0.100',
  virtualIpv6: null,
  interval: 1,
  preempt: true,
  isUnicast: null,
  check: null,
  members: [1, 2, 3].map((node) => ({
    node,
    interface: 'eth0',
    priority: 100 + node,
    isManaged: true,
  })),
  routerId: 7,
  revision: 1,
};

const instanceOf = (name: string, family: 'ipv4' | 'ipv6', address: string): VrrpInstance => ({
  name,
  owner: { family: 'gateway', id: 1 },
  family,
  segment: 'lan',
  routerId: 7,
  addresses: [address],
  interval: 1,
  preempt: true,
  isUnicast: true,
  syncGroup: null,
  check: null,
  isActive: true,
  peers: [],
});
const four = instanceOf('vg_1', 'ipv4', '10.0.0.100/24');
const six = instanceOf('vg_1_v6', 'ipv6', 'fd00::100/64');

type State = ReportedInstance['state'];

/** What a node says. A MASTER has the address, unless the test says otherwise. */
interface Said {
  state?: State;
  six?: State;
  has?: readonly string[];
  ageMs?: number;
  /** Since when it is MASTER by its words. */
  masterForMs?: number;
  isAway?: boolean;
  effectivePriority?: number | null;
  report?: Partial<KeepalivedReport>;
  refusal?: string;
  trouble?: string;
}

function see(said: readonly (Said | undefined)[], more: Partial<Group> = {}) {
  const subject = { ...group, ...more };
  const instances = subject.virtualIpv6 === null ? [four] : [four, six];
  const received = new Map<number, NodeWord>();
  said.forEach((each, index) => {
    if (each) received.set(index + 1, wordOf(each));
  });
  const of = (node: number) => said[node - 1];
  const knowledge: Knowledge = {
    nodes: new Map(
      [1, 2, 3].map((id) => [id, { id, name: `n${id}`, host: '', port: 1, interfaces: [] }]),
    ),
    links: {
      word: (node) => received.get(node),
      isReachable: (node) => of(node)?.isAway !== true,
      refusal: (node) => of(node)?.refusal,
    },
    trouble: (node) => {
      const why = of(node)?.trouble;
      return why === undefined
        ? undefined
        : ({ node, result: 'refused', why } satisfies NodeOutcome);
    },
    orders: new Map([1, 2, 3].map((id) => [id, { orders: running, confirmedEpoch: 1 }])),
    now,
  };
  const { isHealthy, isOnline, members } = viewOf(subject, instances, knowledge);
  return {
    isHealthy,
    isOnline,
    statuses: members.map(({ status }) => status),
    details: members.map(({ detail }) => detail),
  };
}

function wordOf({
  state,
  six: second,
  has,
  ageMs = 1000,
  masterForMs,
  effectivePriority = null,
  report,
}: Said): NodeWord {
  const reported = (name: string, is: State, address: string): ReportedInstance => ({
    name,
    state: is,
    since: null,
    effectivePriority,
    addresses: has ?? (is === 'MASTER' ? [address] : []),
  });
  const instances = [
    ...(state ? [reported('vg_1', state, '10.0.0.100/24')] : []),
    ...(second ? [reported('vg_1_v6', second, 'fd00::100/64')] : []),
  ];
  return {
    receivedAt: now - ageMs,
    ...(masterForMs !== undefined && { masterSince: new Map([['vg_1', now - masterForMs]]) }),
    report: {
      sequence: 1,
      boot: 'b',
      running,
      version: '2.2.7',
      isAnswering: true,
      instances,
      ['otherRouters']: [],
      troubles: [],
      ...report,
    },
  };
}

const master: Said = { state: 'MASTER' };
const backup: Said = { state: 'BACKUP' };

describe('what is said of a group', () => {
  it('is well if one node is MASTER with the address, and the others BACKUP', () => {
    expect(see([master, backup, backup])).to.deep.equal({
      isHealthy: true,
      isOnline: true,
      statuses: [1, 2, 2],
      details: [
        'keepalived 2.2.7: vg_1 MASTER',
        'keepalived 2.2.7: vg_1 BACKUP',
        'keepalived 2.2.7: vg_1 BACKUP',
      ],
    });
  });

  it('is not well with two masters, which are both shown', () => {
    const { isHealthy, isOnline, statuses, details } = see([master, master, backup]);
    expect([isHealthy, isOnline, statuses]).to.deep.equal([false, true, [1, 1, 2]]);
    expect(details.slice(0, 2)).to.deep.equal(
      Array(2).fill('n1 and n2 are MASTER at the same time.'),
    );
    expect(details[2]).to.include('BACKUP');
  });

  it('is not well without a master, and online while a node is BACKUP', () => {
    const { isHealthy, isOnline } = see([backup, backup, undefined]);
    expect([isHealthy, isOnline]).to.deep.equal([false, true]);
  });

  it('is not well if the address is not on the MASTER', () => {
    const { isHealthy, statuses, details } = see([{ state: 'MASTER', has: [] }, backup]);
    expect([isHealthy, statuses[0]]).to.deep.equal([false, 1]);
    expect(details[0]).to.equal('It is MASTER without 10.0.0.100.');
  });

  it('is not well if a BACKUP has the address too', () => {
    const { isHealthy, details } = see([master, { state: 'BACKUP', has: ['10.0.0.100/24'] }]);
    expect(isHealthy).to.equal(false);
    expect(details[1]).to.equal('It has 10.0.0.100, and is not MASTER.');
  });

  it('counts a report for 15 s, and is unknown after that', () => {
    expect(see([{ ...master, ageMs: 15_000 }]).statuses[0]).to.equal(1);
    const late = see([{ ...master, ageMs: 15_001 }]);
    expect([late.statuses[0], late.isHealthy, late.isOnline]).to.deep.equal([0, false, false]);
    expect(late.details[0]).to.equal('Its last report is older than 15 s.');
  });

  it('is unknown of a node that has not reported since the controller started', () => {
    const { statuses, details } = see([master, undefined]);
    expect(statuses[1]).to.equal(0);
    expect(details[1]).to.equal('It has not reported since the controller started.');
  });

  it('drops the MASTER of an unreachable node at once when another node reports a later one', () => {
    const away: Said = { ...master, ageMs: 3000, isAway: true };
    const { isHealthy, statuses } = see([away, { ...master, ageMs: 500 }, backup]);
    expect([isHealthy, statuses]).to.deep.equal([true, [0, 1, 2]]);
  });

  it('drops the MASTER of a silent node at once when another node becomes MASTER after its last word', () => {
    const silent: Said = { ...master, ageMs: 3000, masterForMs: 60_000 };
    const later: Said = { ...master, ageMs: 0, masterForMs: 200 };
    expect(see([silent, later, backup]).statuses).to.deep.equal([0, 1, 2]);
    const confirmed = { ...silent, ageMs: 100 };
    expect(see([confirmed, later, backup]).statuses).to.deep.equal([1, 1, 2]);
  });

  it('believes the MASTER of an unreachable node as long as nobody else is', () => {
    expect(see([{ ...master, ageMs: 3000, isAway: true }, backup]).statuses).to.deep.equal([
      1, 2, 0,
    ]);
  });

  it('shows two masters as long as both are reachable', () => {
    expect(see([{ ...master, ageMs: 3000 }, master]).statuses).to.deep.equal([1, 1, 0]);
  });

  it('is unknown of a node whose keepalived does not answer', () => {
    const { statuses, details } = see([master, { ...backup, report: { isAnswering: false } }]);
    expect(statuses[1]).to.equal(0);
    expect(details[1]).to.equal('Its keepalived does not answer.');
  });

  it('is FAULT if keepalived says so, and names the interface', () => {
    const { statuses, details } = see([master, { state: 'FAULT' }]);
    expect(statuses[1]).to.equal(3);
    expect(details[1]).to.include('eth0 is down');
  });

  it('is unknown while keepalived does not have the instance', () => {
    const { statuses, details } = see([{}, backup]);
    expect(statuses[0]).to.equal(0);
    expect(details[0]).to.include('does not have vg_1');
  });

  it('is unknown while keepalived starts', () => {
    expect(see([{ state: 'INIT' }]).statuses[0]).to.equal(0);
  });

  it('needs both families on one MASTER', () => {
    const both = { virtualIpv6: 'fd00::100' };
    expect(see([{ state: 'MASTER', six: 'MASTER' }], both)).to.include({ isHealthy: true });
    const half = see([{ state: 'MASTER', six: 'BACKUP' }], both);
    expect([half.isHealthy, half.statuses[0]]).to.deep.equal([false, 2]);
    const faulty = see([{ state: 'MASTER', six: 'FAULT' }], both);
    expect(faulty.statuses[0]).to.equal(3);
  });

  it('is not well while the check of the MASTER fails', () => {
    const check = {
      type: 'tcp' as const,
      port: 80,
      intervalSeconds: 2,
      timeoutSeconds: 1,
      fall: 3,
      rise: 2,
    };
    const failing = see([{ ...master, effectivePriority: 50 }, backup], { check });
    expect(failing.isHealthy).to.equal(false);
    expect(failing.details[0]).to.include('check of the service fails');
    expect(see([{ ...master, effectivePriority: 101 }], { check }).isHealthy).to.equal(true);
  });

  it('has no health and is not online while the group is offline', () => {
    const { isHealthy, isOnline, details } = see([master, {}], { status: 2 });
    expect([isHealthy, isOnline]).to.deep.equal([false, false]);
    expect(details[0]).to.equal('It still has the group, although this is offline.');
    expect(details[1]).to.equal('The group is offline.');
  });

  it('names another router with the same router id on the interface', () => {
    const seen = { interface: 'eth0', family: 'ipv4', routerId: 7, source: '10.0.0.9' } as const;
    const { details } = see([{ ...master, report: { ['otherRouters']: [seen] } }]);
    expect(details[0]).to.equal('Another router, 10.0.0.9, uses the router id 7 on eth0.');
    const other = see([{ ...master, report: { ['otherRouters']: [{ ...seen, routerId: 8 }] } }]);
    expect(other.details[0]).to.include('MASTER');
  });

  it('has the refusal of a node first, then what is wrong with the last order, then its own troubles', () => {
    const { details } = see([
      { ...master, refusal: 'First.', trouble: 'Second.', report: { troubles: ['Third.'] } },
    ]);
    expect(details[0]).to.equal('First. Second. Third.');
  });

  it('says if a node does not run the last change yet', () => {
    const { details } = see([{ ...master, report: { running: { ...running, digest: 'former' } } }]);
    expect(details[0]).to.equal('It does not run the last change yet.');
  });

  it('names a node that is no longer registered', () => {
    const members = [{ node: 9, interface: 'eth0', priority: 1, isManaged: true }];
    const { statuses, details } = see([], { members });
    expect([statuses[0], details[0]]).to.deep.equal([0, 'This node is no longer registered.']);
  });
});
