import { expect } from 'chai';

import {
  isStuck,
  lacksAddress,
  leftAddresses,
  type Observation,
  reportOf,
} from '../../src/node/observation.ts';
import type { VrrpInstance, VrrpState } from '../../src/parsers/keepalived/dump.ts';
import type { WantedInstance } from '../../src/keepalived/wanted.ts';
import { tcpCheck, wantedInstance, wantedInstance6 } from '../support/wanted.ts';

function instance(name: string, state: VrrpState): VrrpInstance {
  return {
    name,
    state,
    since: 1_700_000_000_000,
    transitions: 1,
    interface: 'eth1',
    routerId: 1,
    priority: 100,
    effectivePriority: 100,
    interval: 0.5,
    preempt: true,
    refreshSeconds: 60,
    addresses: [],
  };
}

const vip = '10.77.0.100/24';
const owned = [{ interface: 'eth1', address: vip }];

interface Scene {
  wanted?: readonly WantedInstance[];
  states?: readonly VrrpInstance[] | undefined;
  present?: readonly string[];
  more?: Partial<Observation>;
}

/** A master that is as it should be, unless the scene says otherwise. */
function seen({
  wanted = [wantedInstance()],
  present = [vip],
  more,
  ...scene
}: Scene): Observation {
  const states = 'states' in scene ? scene.states : [instance('vg_1', 'MASTER')];
  return {
    applied: {
      orders: { store: 's', epoch: 1, revision: 1, digest: '' },
      wanted: { instances: wanted },
      watch: [],
      refreshSeconds: 60,
    },
    version: '2.2.7',
    pid: 1,
    stopped: [],
    isStopping: false,
    instances: states,
    interfaces: new Map([['eth1', { name: 'eth1', addresses: present, isUp: true }]]),
    seen: [],
    others: [],
    ...more,
  };
}

describe('the report of a node', () => {
  const troublesOf = (scene: Scene) => {
    const observation = seen(scene);
    return reportOf(observation, observation.instances !== undefined).troubles;
  };

  it('has no trouble if all is as ordered', () => {
    expect(troublesOf({})).to.deep.equal([]);
    const backup = { states: [instance('vg_1', 'BACKUP')], present: [] };
    expect(troublesOf(backup)).to.deep.equal([]);
  });

  const down = new Map([['eth1', { name: 'eth1', addresses: [], isUp: false }]]);
  const fault = [instance('vg_1', 'FAULT')];
  const bothFaults = [...fault, instance('vg_1_v6', 'FAULT')];
  const both = [wantedInstance({ syncGroup: 'vs_1' }), wantedInstance6({ syncGroup: 'vs_1' })];
  const cases: [text: RegExp, scene: Scene][] = [
    [/not installed/, { states: undefined, more: { version: '', pid: undefined } }],
    [/does not run:/, { states: undefined, more: { pid: undefined } }],
    [/kill -CONT 7'/, { states: undefined, more: { stopped: [7] } }],
    [/about to end/, { states: undefined, more: { isStopping: true } }],
    [/runs, and does not answer/, { states: undefined }],
    [/does not run vg_1/, { states: [] }],
    [/eth1 of vg_1 is not there/, { states: fault, more: { interfaces: new Map() } }],
    [/eth1 of vg_1 is down/, { states: fault, more: { interfaces: down } }],
    [/FAULT: 'journalctl/, { states: fault, present: ['10.77.0.11/24'] }],
    [/10\.77\.0\.11, from which vg_1 sends, is not on eth1/, { states: fault, present: [] }],
    [
      /because its check fails/,
      {
        states: fault,
        present: ['10.77.0.11/24'],
        wanted: [wantedInstance({ check: tcpCheck, preempt: false })],
      },
    ],
    [
      /FAULT: 'journalctl/,
      { states: fault, present: ['10.77.0.11/24'], wanted: [wantedInstance({ check: tcpCheck })] },
    ],
    [
      /fd77::11, from which vg_1_v6 sends, is not on eth1/,
      { wanted: both, states: bothFaults, present: ['10.77.0.11/24'] },
    ],
    [/is MASTER, and 10\.77\.0\.100\/24 is not on eth1/, { present: [] }],
    [/although vg_1 is BACKUP here/, { states: [instance('vg_1', 'BACKUP')] }],
    [/some other trouble/, { more: { others: ['some other trouble'] } }],
  ];
  for (const [text, scene] of cases) {
    it(`says in one sentence: ${text.source}${scene.wanted?.[0]?.check ? ', with a check' : ''}`, () => {
      expect(troublesOf(scene)).to.have.length(1);
      expect(troublesOf(scene)[0]).to.match(text);
    });
  }

  it('has no instances while keepalived does not answer', () => {
    const observation = seen({ states: undefined });
    expect(reportOf(observation, false).instances).to.deep.equal([]);
    expect(reportOf(seen({}), true).instances).to.deep.equal([
      {
        ...{ name: 'vg_1', state: 'MASTER', since: 1_700_000_000_000 },
        ...{ effectivePriority: 100, addresses: [vip] },
      },
    ]);
  });

  it('has addresses as they were ordered, however the kernel writes them', () => {
    const wanted = [wantedInstance6({ addresses: ['FD77:0:0::0100/64'] })];
    const observation = seen({
      wanted,
      states: [instance('vg_1_v6', 'MASTER')],
      present: ['fd77::100/64', 'fe80::200:5eff:fe00:201/64'],
    });
    expect(reportOf(observation, true).instances[0]?.addresses).to.deep.equal([
      'FD77:0:0::0100/64',
    ]);
    expect(lacksAddress(observation)).to.equal(false);
  });

  it('leaves out the peers among the other routers', () => {
    const other = { interface: 'eth1', family: 'ipv4', routerId: 1, source: '10.77.0.12' } as const;
    const unknown = [
      { ...other, source: '10.77.0.13' },
      { ...other, routerId: 2 },
      { ...other, interface: 'eth2' },
      { ...other, family: 'ipv6', source: 'fd77::12' } as const,
    ];
    const observation = seen({ more: { seen: [other, ...unknown] } });
    expect(reportOf(observation, true).otherRouters).to.deep.equal(unknown);
  });
});

describe('an instance in FAULT', () => {
  const fault = (more: Scene) =>
    isStuck(seen({ states: [instance('vg_1', 'FAULT'), instance('vg_1_v6', 'FAULT')], ...more }));
  const sources = ['10.77.0.11/24', 'fd77::11/64'];
  const both = [wantedInstance({ syncGroup: 'vs_1' }), wantedInstance6({ syncGroup: 'vs_1' })];

  it('is stuck if its interface and its source address are there', () => {
    expect(fault({ present: sources })).to.equal(true);
    expect(fault({ present: [] })).to.equal(false);
    const wanted = [wantedInstance({ check: tcpCheck, preempt: false })];
    expect(fault({ present: sources, wanted })).to.equal(false);
  });

  it('is not stuck if the source address of its mate is missing, because a reload would not help', () => {
    expect(fault({ wanted: both, present: ['10.77.0.11/24'] })).to.equal(false);
    expect(fault({ wanted: both, present: sources })).to.equal(true);
  });
});

describe('the addresses that keepalived has left', () => {
  it('are none of a master, and none that it never set', () => {
    expect(leftAddresses(seen({}), owned, true)).to.deep.equal([]);
    const backup = seen({ states: [instance('vg_1', 'BACKUP')] });
    expect(leftAddresses(backup, [], true)).to.deep.equal([]);
  });

  it('are those of a backup, of an instance that is gone, and of a dead keepalived', () => {
    const backup = seen({ states: [instance('vg_1', 'BACKUP')] });
    expect(leftAddresses(backup, owned, true)).to.deep.equal(owned);
    expect(leftAddresses(seen({ wanted: [], states: [] }), owned, true)).to.deep.equal(owned);
    expect(leftAddresses(seen({ states: undefined }), owned, false)).to.deep.equal(owned);
  });

  it('are not known as long as a keepalived that may live does not answer', () => {
    expect(leftAddresses(seen({ states: undefined }), owned, true)).to.deep.equal([]);
  });

  it('are not there if the kernel does not have them', () => {
    const gone = seen({ states: [instance('vg_1', 'BACKUP')], present: [] });
    expect(leftAddresses(gone, owned, true)).to.deep.equal([]);
  });
});
