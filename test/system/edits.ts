import { expect } from 'chai';
import fc from 'fast-check';

import {
  type AgentMetadataReader,
  makeAgentMetadataReader,
} from '../../src/cluster/agents/agent-metadata.ts';
import { makeFenceAgents, makeResourceAgents } from '../../src/cluster/agents/agents.ts';
import type { ClusterChange } from '../../src/cluster/edits/cluster-change.ts';
import { cloneResource, uncloneResource } from '../../src/cluster/edits/catalogue/clones.ts';
import { addToGroup, removeFromGroup } from '../../src/cluster/edits/catalogue/groups.ts';
import type { ResourceOptions } from '../../src/cluster/edits/catalogue/primitives.ts';
import {
  createResource,
  deleteResource,
  type NewResource,
  updateResource,
} from '../../src/cluster/edits/catalogue/resources.ts';
import {
  createFenceDevice,
  deleteFenceDevice,
  updateFenceDevice,
} from '../../src/cluster/edits/catalogue/stonith.ts';
import { Fault } from '../../src/kit/fault.ts';
import type { Host } from '../../src/kit/host.ts';
import { cibDifferences } from '../../src/pacemaker/cib/cib-differences.ts';
import { cibPatch } from '../../src/pacemaker/cib/cib-patch.ts';
import { withoutStatus } from '../../src/parsers/cib/text.ts';
import { type Paths, debianPaths } from '../../src/bin/wiring/paths.ts';
import {
  childToEdit,
  type EditableXml,
  parseEditableXml,
  walk,
  writeXml,
} from '../../src/parsers/xml-edit.ts';
import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import { type Canonical, canonical } from './canonical-cib.ts';
import { constraintEdits } from './constraint-edits.ts';
import type { AcceptedDifference } from './accepted-differences.ts';
import { shareOf } from './share.ts';
import {
  manageResource,
  unmanageResource,
} from '../../src/cluster/edits/catalogue/resource-states.ts';

const base = '/var/tmp/edited-base.xml';
const copy = '/var/tmp/edited-copy.xml';

const dummy = 'ocf:pacemaker:Dummy';
const primitive = (id: string, more = '', type = 'Dummy'): string =>
  `<primitive id="${id}" class="ocf" provider="pacemaker" type="${type}">${more}<operations><op id="${id}-monitor" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`;
const pair = (id: string, name: string, value: string): string =>
  `<nvpair id="${id}" name="${name}" value="${value}"/>`;
const unmanaged = (id: string): string =>
  `<meta_attributes id="${id}-meta_attributes">${pair(`${id}-m`, 'is-managed', 'false')}</meta_attributes>`;

/** What is edited in addition to the storage topology: everything that can contain a resource or refer to it. */
const resources = [
  `<group id="G"><!-- first -->${primitive('G1')}<!-- between -->${primitive('G2')}${primitive('G3')}</group>`,
  `<group id="One">${primitive('One1')}</group>`,
  `<group id="Free">${primitive('Free1')}</group>`,
  `<clone id="C-clone">${primitive('C')}</clone>`,
  `<clone id="S-clone">${primitive('S')}</clone>`,
  `<clone id="CG-clone"><group id="CG">${primitive('CG1')}${primitive('CG2')}</group></clone>`,
  `<clone id="CO-clone"><group id="CO">${primitive('CO1')}</group></clone>`,
  `<clone id="U-clone">${unmanaged('U-clone')}<group id="U">${unmanaged('U')}${primitive('U1', unmanaged('U1'))}${primitive('U2', unmanaged('U2'))}</group></clone>`,
  `<bundle id="B"><docker image="none"/><network ip-range-start="192.0.2.1"/>${primitive('InB')}</bundle>`,
  `<primitive id="M" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="M-instance_attributes">${pair('M-instance_attributes-fake', 'fake', 'x')}${pair('M-old', 'unknown', 'y')}</instance_attributes><meta_attributes id="M-meta_attributes">${pair('M-meta_attributes-priority', 'priority', '1')}</meta_attributes><operations><op id="M-1" name="monitor" interval="10s"/><op id="M-2" name="monitor" interval="20s" role="Stopped"/><op id="M-3" name="start" interval="0s" timeout="20s"/></operations></primitive>`,
  primitive('Bare'),
  primitive('L'),
  primitive('Tagged'),
];
const constraints = [
  '<!-- before all -->',
  '<rsc_location id="l-G" rsc="G" node="ae82a9a2" score="1"/>',
  '<rsc_location id="l-One" rsc="One" node="ae82a9a2" score="1"/>',
  '<rsc_location id="l-C" rsc="C-clone" node="ae82a9a2" score="1"/>',
  '<!-- in between -->',
  '<rsc_location id="l-CO" rsc="CO-clone" node="ae82a9a2" score="1"/>',
  '<rsc_location id="l-L" rsc="L" node="ae82a9a2" score="1"/>',
  '<rsc_order id="o-L" first="ZFS" then="L"/>',
  '<rsc_colocation id="c-L" rsc="M" with-rsc="L" score="1"/>',
  '<rsc_ticket id="t-L" ticket="T" rsc="L"/>',
  '<rsc_order id="o-set"><resource_set id="o-set-1"><resource_ref id="L"/><resource_ref id="M"/></resource_set><resource_set id="o-set-2"><resource_ref id="S-clone"/></resource_set></rsc_order>',
  '<rsc_colocation id="c-set" score="1"><resource_set id="c-set-1"><resource_ref id="G3"/></resource_set></rsc_colocation>',
];
const acls =
  '<acls><acl_role id="keeper"><acl_permission id="keeper-L" kind="write" reference="L"/><acl_permission id="keeper-M" kind="read" reference="M"/></acl_role></acls>';
const tags =
  '<tags><tag id="Only"><obj_ref id="Tagged"/></tag><tag id="Some"><obj_ref id="Tagged"/><obj_ref id="ZFS"/></tag></tags>';
export const loadedConfiguration = `<configuration><resources>${resources.join('')}</resources><constraints>${constraints.join('')}</constraints>${acls}${tags}</configuration>`;

const device = 'failoverMeasure_ipmi_bitcoin';

/** A change by the agent and by pcs. */
export interface Case {
  what: string;
  ours: (agents: AgentMetadataReader) => ClusterChange<unknown>;
  pcs: readonly string[] | ((suite: Suite) => readonly string[]);
  /** The Debians whose pcs does something else, and the name of this difference in docs/contract.md. */
  otherOn?: { suites: readonly Suite[]; as: AcceptedDifference };
  /** The Debians without the resource agent. */
  missingOn?: readonly Suite[];
}

/** Whether both have the same result on a Debian. */
export function isOn({ otherOn, missingOn = [] }: Case, suite: Suite): boolean {
  return ![...missingOn, ...(otherOn?.suites ?? [])].includes(suite);
}

/** The arguments of pcs on a Debian. */
export function valuesOf({ pcs }: Case, suite: Suite): readonly string[] {
  return typeof pcs === 'function' ? pcs(suite) : pcs;
}

const nothing: ResourceOptions = { params: {}, meta: {}, operations: [] };
const op = (name: string, options: Readonly<Record<string, string>> = {}) => ({ name, options });

function create(
  what: string,
  agent: string,
  more: Partial<NewResource>,
  args: readonly string[],
): Case {
  return {
    what: `create ${what}`,
    ours: (agents) =>
      createResource(agents, { clone: undefined, ...nothing, name: 'New', agent, ...more }),
    pcs: ['resource', 'create', 'New', agent, ...args],
  };
}

function monitorsForRoles(first: string, second: string, suites: readonly Suite[]): Case {
  const operations = [
    op('monitor', { interval: '3s', role: first }),
    op('monitor', { interval: '4s', role: second }),
  ];
  const args = ['op', 'monitor', 'interval=3s', `role=${first}`];
  const more = ['monitor', 'interval=4s', `role=${second}`];
  const what = `monitors for the roles ${first} and ${second}`;
  return {
    ...create(what, 'ocf:pacemaker:Stateful', { operations }, [...args, ...more]),
    otherOn: { suites, as: 'names of roles' },
  };
}

function createDevice(
  what: string,
  agent: string,
  more: Partial<NewResource>,
  args: readonly string[],
): Case {
  return {
    what: `create a fence device ${what}`,
    ours: (agents) => createFenceDevice(agents, { ...nothing, name: 'New', agent, ...more }),
    pcs: ['stonith', 'create', 'New', agent, ...args],
  };
}

function update(
  what: string,
  name: string,
  more: Partial<ResourceOptions>,
  args: readonly string[],
): Case {
  return {
    what: `update ${what}`,
    ours: (agents) => updateResource(agents, name, { ...nothing, ...more }),
    pcs: ['resource', 'update', name, ...args],
  };
}

function remove(what: string, name: string, otherOn?: Case['otherOn']): Case {
  return {
    what: `delete ${what}`,
    ours: () => deleteResource(name, 'resource'),
    pcs: ['resource', 'delete', name],
    ...(otherOn && { otherOn }),
  };
}

function clone(
  what: string,
  name: string,
  id: string | undefined,
  options: Readonly<Record<string, string>> = {},
): Case {
  const args = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return {
    what: `clone ${what}`,
    ours: (agents) => cloneResource(agents, name, id, options),
    pcs: ['resource', 'clone', name, ...(id === undefined ? [] : [id]), ...args],
  };
}

function group(
  what: string,
  name: string,
  members: readonly string[],
  order?: { position: 'before' | 'after'; resource: string },
): Case {
  const place = order ? [`--${order.position}`, order.resource] : [];
  return {
    what: `group ${what}`,
    ours: () => addToGroup({ group: name, resources: members, order }),
    pcs: ['resource', 'group', 'add', name, ...place, ...members],
  };
}

function ungroup(what: string, name: string, members: readonly string[]): Case {
  return {
    what: `ungroup ${what}`,
    ours: () => removeFromGroup(name, members),
    pcs: ['resource', 'group', 'remove', name, ...members],
  };
}

const unclone = (what: string, name: string): Case => ({
  what: `unclone ${what}`,
  ours: () => uncloneResource(name),
  pcs: ['resource', 'unclone', name],
});
const manage = (what: string, name: string): Case => ({
  what: `manage ${what}`,
  ours: () => manageResource(name),
  pcs: ['resource', 'manage', name],
});
const unmanage = (what: string, name: string): Case => ({
  what: `unmanage ${what}`,
  ours: () => unmanageResource(name),
  pcs: ['resource', 'unmanage', name],
});

/** Changes that both make. */
export const made: readonly Case[] = [
  create('a resource of its agent alone', dummy, {}, []),
  create('one with parameters, in no order', dummy, { params: { state: '/run/x', fake: '<&">' } }, [
    'state=/run/x',
    'fake=<&">',
  ]),
  create('one with meta attributes', dummy, { meta: { priority: '5', 'is-managed': 'true' } }, [
    'meta',
    'priority=5',
    'is-managed=true',
  ]),
  create('one of an agent with many operations', 'ocf:pacemaker:Stateful', {}, []),
  create(
    'one of an agent that needs a parameter',
    'ocf:heartbeat:IPaddr2',
    { params: { ip: '192.0.2.7', nic: 'eth0' } },
    ['ip=192.0.2.7', 'nic=eth0'],
  ),
  create('one that is traced', 'ocf:heartbeat:Dummy', { params: { trace_ra: '1' } }, [
    'trace_ra=1',
  ]),
  create('one of a unit', 'systemd:corosync', {}, []),
  // pcs 0.11 does not accept Pacemaker 2.1.5's metadata of such an agent.
  {
    ...create('one of an init script', 'lsb:corosync', {}, []),
    otherOn: { suites: ['bookworm'], as: 'an init script' },
  },
  create(
    'one of an agent with depths',
    'ocf:heartbeat:Filesystem',
    { params: { device: '/dev/null', directory: '/mnt', fstype: 'ext4' } },
    ['device=/dev/null', 'directory=/mnt', 'fstype=ext4'],
  ),
  create('one of a part of a name that is one agent alone', 'HealthCPU', {}, []),
  create('a monitor of its own', dummy, { operations: [op('monitor', { interval: '30s' })] }, [
    'op',
    'monitor',
    'interval=30s',
  ]),
  create(
    'operations with all that they can have',
    dummy,
    {
      operations: [
        op('monitor', {
          interval: '7',
          timeout: '5min',
          'on-fail': 'Standby',
          enabled: 'False',
          role: 'started',
          OCF_CHECK_LEVEL: '10',
          description: 'x',
        }),
        op('monitor', { interval: '8s', 'start-delay': '5', id: 'own-id' }),
        op('start', { timeout: '1h' }),
      ],
    },
    [
      'op',
      'monitor',
      'interval=7',
      'timeout=5min',
      'on-fail=Standby',
      'enabled=False',
      'role=started',
      'OCF_CHECK_LEVEL=10',
      'description=x',
      'monitor',
      'interval=8s',
      'start-delay=5',
      'id=own-id',
      'start',
      'timeout=1h',
    ],
  ),
  // pcs 0.12 knows only the new names, and 0.10 only the old ones.
  monitorsForRoles('Master', 'Slave', ['trixie']),
  monitorsForRoles('Promoted', 'Unpromoted', ['bullseye']),
  create('a clone', dummy, { clone: {} }, ['clone']),
  create(
    'a clone with options',
    'ocf:pacemaker:Stateful',
    { meta: { priority: '1' }, clone: { promotable: 'true', interleave: 'true' } },
    ['meta', 'priority=1', 'clone', 'promotable=true', 'interleave=true'],
  ),
  createDevice('of its agent alone', 'fence_lab', { params: { pcmk_host_list: 'ae82a9a2' } }, [
    'pcmk_host_list=ae82a9a2',
  ]),
  createDevice(
    'with all',
    'fence_ipmilan',
    {
      params: { ip: '192.0.2.9', username: 'u', password: 'p', pcmk_reboot_action: 'off' },
      meta: { priority: '2' },
      operations: [op('monitor', { interval: '90s' })],
    },
    [
      'ip=192.0.2.9',
      'username=u',
      'password=p',
      'pcmk_reboot_action=off',
      'op',
      'monitor',
      'interval=90s',
      'meta',
      'priority=2',
    ],
  ),
  createDevice(
    'by a deprecated name of a parameter',
    'fence_ipmilan',
    { params: { ipaddr: '192.0.2.9' } },
    ['ipaddr=192.0.2.9'],
  ),
  {
    ...createDevice('that unlocks', 'fence_scsi', { params: { pcmk_host_list: 'ae82a9a2' } }, [
      'pcmk_host_list=ae82a9a2',
    ]),
    // On trixie, the agent is in a package of its own.
    missingOn: ['trixie'],
  },

  update('a parameter', 'M', { params: { fake: 'new' } }, ['fake=new']),
  update('by another parameter', 'M', { params: { state: '/run/y' } }, ['state=/run/y']),
  update('what takes one away', 'M', { params: { fake: '' } }, ['fake=']),
  update('one that the agent does not know but that is there', 'M', { params: { unknown: 'z' } }, [
    'unknown=z',
  ]),
  update('a resource without any', 'Bare', { params: { fake: '1' }, meta: { priority: '9' } }, [
    'fake=1',
    'meta',
    'priority=9',
  ]),
  update('meta attributes', 'M', { meta: { priority: '', 'resource-stickiness': '4' } }, [
    'meta',
    'priority=',
    'resource-stickiness=4',
  ]),
  update('an operation', 'M', { operations: [op('monitor', { interval: '11s', timeout: '5' })] }, [
    'op',
    'monitor',
    'interval=11s',
    'timeout=5',
  ]),
  update(
    'the operation of a role',
    'M',
    { operations: [op('monitor', { interval: '12s', role: 'Stopped' })] },
    ['op', 'monitor', 'interval=12s', 'role=Stopped'],
  ),
  update(
    'several operations, and a new one',
    'M',
    {
      operations: [op('start', { timeout: '5' }), op('stop', { timeout: '6' })],
    },
    ['op', 'start', 'timeout=5', 'stop', 'timeout=6'],
  ),
  update(
    'an operation without options, which changes nothing of it',
    'M',
    { params: { fake: '2' }, operations: [op('start')] },
    ['fake=2', 'op', 'start'],
  ),
  update('a resource in a group', 'G1', { params: { fake: '1' } }, ['fake=1']),
  update('a clone, which has only meta attributes', 'C-clone', { meta: { 'clone-max': '2' } }, [
    'meta',
    'clone-max=2',
  ]),
  {
    what: 'update a fence device',
    ours: (agents) => updateFenceDevice(agents, device, { delay: '3', pcmk_delay_max: '4' }, {}),
    pcs: ['stonith', 'update', device, 'delay=3', 'pcmk_delay_max=4'],
  },

  remove('a resource', 'Bare'),
  remove('one with all kinds of constraints', 'L'),
  remove('one in a set', 'M'),
  remove('one of a group', 'G1'),
  remove('one that is alone in a set', 'G3'),
  remove('the last of a group', 'One1'),
  remove('a group', 'G'),
  remove('a clone', 'C-clone'),
  remove('what is in a clone', 'C'),
  // Before 0.12, pcs leaves a set that refers to a deleted resource.
  remove('a clone that is alone in a set', 'S-clone', {
    suites: ['bullseye', 'bookworm'],
    as: 'a set without resources',
  }),
  remove('a clone of a group', 'CG-clone'),
  remove('a cloned group', 'CG'),
  remove('one of a cloned group', 'CG1'),
  remove('the last of a cloned group', 'CO1'),
  remove('a bundle', 'B'),
  remove('what is in a bundle', 'InB'),
  remove('one of the storage topology', 'SMB'),
  // Before 0.12, pcs refuses that.
  remove('one in tags', 'Tagged', {
    suites: ['bullseye', 'bookworm'],
    as: 'a tag of what is deleted',
  }),
  {
    what: 'delete a fence device',
    ours: () => deleteFenceDevice(device),
    pcs: ['stonith', 'delete', device],
  },

  clone('a resource', 'Bare', undefined),
  clone('under a name, with options', 'Bare', 'Named', { interleave: 'true', 'clone-max': '2' }),
  clone('what constraints name', 'L', undefined),
  clone('one of a group', 'G2', undefined),
  clone('the last of a group', 'Free1', undefined),
  clone('a group', 'G', undefined),
  unclone('by the name of the clone', 'C-clone'),
  unclone('by the name of what is in it', 'C'),
  unclone('a group', 'CG'),
  unclone('the clone of a group', 'CG-clone'),
  unclone('one of a cloned group, which leaves the group', 'CG1'),
  unclone('the last of a cloned group', 'CO1'),

  group('two resources', 'New', ['Bare', 'L']),
  group('one more', 'G', ['Bare']),
  group('before another', 'G', ['Bare', 'L'], { position: 'before', resource: 'G2' }),
  group('after another', 'G', ['Bare', 'L'], { position: 'after', resource: 'G2' }),
  group('after the last', 'G', ['Bare'], { position: 'after', resource: 'G3' }),
  group('what is in it at another place', 'G', ['G3'], { position: 'before', resource: 'G1' }),
  group('what is in another', 'New', ['G1', 'Bare']),
  group('the last of another', 'G', ['Free1']),
  group('into a cloned one', 'CG', ['Bare']),
  ungroup('one', 'G', ['G2']),
  ungroup('all by name', 'G', ['G1', 'G3', 'G2']),
  ungroup('all', 'G', []),
  ungroup('the last', 'One', ['One1']),
  ungroup('one of a cloned group', 'CG', ['CG2']),
  ungroup('the last of a cloned group', 'CO', []),

  unmanage('a resource', 'Bare'),
  unmanage('a group', 'G'),
  unmanage('a clone', 'C-clone'),
  unmanage('a clone of a group', 'CG-clone'),
  unmanage('a bundle', 'B'),
  manage('a resource, with all around it', 'U1'),
  manage('a group', 'U'),
  manage('a clone', 'U-clone'),
];

/** Changes that both refuse. */
export const refused: readonly Case[] = [
  {
    what: 'create one that is there',
    ours: (agents) =>
      createResource(agents, { clone: undefined, ...nothing, name: 'M', agent: dummy }),
    pcs: ['resource', 'create', 'M', dummy],
  },
  create('one of an agent that is not there', 'ocf:heartbeat:None', {}, []),
  create('one of a part of a name that is several agents', 'Dummy', {}, []),
  create(
    'one with a parameter that the agent does not know',
    dummy,
    { params: { nonsense: '1' } },
    ['nonsense=1'],
  ),
  create('one without a parameter that the agent needs', 'ocf:heartbeat:IPaddr2', {}, []),
  create('an operation without options', dummy, { operations: [op('stop')] }, ['op', 'stop']),
  create(
    'an operation that the agent does not have',
    dummy,
    { operations: [op('promote', { timeout: '5' })] },
    ['op', 'promote', 'timeout=5'],
  ),
  create(
    'an operation with an option that there is not',
    dummy,
    { operations: [op('monitor', { nonsense: '5' })] },
    ['op', 'monitor', 'nonsense=5'],
  ),
  create(
    'two operations with the same interval',
    dummy,
    { operations: [op('monitor', { interval: '60' }), op('monitor', { interval: '1min' })] },
    ['op', 'monitor', 'interval=60', 'monitor', 'interval=1min'],
  ),
  create(
    'an operation for a role that there is not',
    dummy,
    { operations: [op('monitor', { role: 'None' })] },
    ['op', 'monitor', 'role=None'],
  ),
  create(
    'an operation with another on-fail',
    dummy,
    { operations: [op('monitor', { 'on-fail': 'none' })] },
    ['op', 'monitor', 'on-fail=none'],
  ),
  create(
    'an operation that is neither on nor off',
    dummy,
    { operations: [op('monitor', { enabled: 'maybe' })] },
    ['op', 'monitor', 'enabled=maybe'],
  ),
  create(
    'an operation with an id that is taken',
    dummy,
    { operations: [op('monitor', { id: 'M-1' })] },
    ['op', 'monitor', 'id=M-1'],
  ),
  create('a remote node', 'ocf:pacemaker:remote', {}, []),
  create('a guest node', dummy, { meta: { 'remote-node': 'guest' } }, [
    'meta',
    'remote-node=guest',
  ]),
  createDevice('of an agent that is not there', 'fence_none', {}, []),
  createDevice('with an action', 'fence_lab', { params: { action: 'off' } }, ['action=off']),
  createDevice(
    'with a parameter that the agent does not know',
    'fence_lab',
    { params: { nonsense: '1' } },
    ['nonsense=1'],
  ),
  update('a parameter that the agent does not know', 'M', { params: { nonsense: '1' } }, [
    'nonsense=1',
  ]),
  update('what takes away a parameter that the agent needs', 'VIP_mgmt0', { params: { ip: '' } }, [
    'ip=',
  ]),
  update(
    'an operation with an option that there is not',
    'M',
    { operations: [op('monitor', { nonsense: '1' })] },
    ['op', 'monitor', 'nonsense=1'],
  ),
  update(
    'an operation to the interval of another',
    'M',
    { operations: [op('monitor', { interval: '20s' })] },
    ['op', 'monitor', 'interval=20s'],
  ),
  update('what makes a guest node', 'M', { meta: { 'remote-node': 'guest' } }, [
    'meta',
    'remote-node=guest',
  ]),
  update('parameters of a group', 'G', { params: { fake: '1' } }, ['fake=1']),
  update('operations of a clone', 'C-clone', { operations: [op('monitor', { interval: '1s' })] }, [
    'op',
    'monitor',
    'interval=1s',
  ]),
  clone('a clone', 'C', undefined),
  clone('one of a cloned group', 'CG1', undefined),
  clone('a bundle', 'B', undefined),
  clone('what is in a bundle', 'InB', undefined),
  clone('under a name that is taken', 'Bare', 'M'),
  unclone('what is no clone', 'Bare'),
  unclone('a bundle', 'B'),
  group('a clone', 'G', ['C-clone']),
  group('what is cloned', 'G', ['C']),
  group('what is in a bundle', 'G', ['InB']),
  group('into what is no group', 'M', ['Bare']),
  group('beside what is not in it', 'G', ['Bare'], { position: 'after', resource: 'M' }),
  group('beside itself', 'G', ['G1'], { position: 'after', resource: 'G1' }),
  ungroup('what is not in it', 'G', ['M']),
  ungroup('all of a cloned group', 'CG', []),
  ungroup('what is no group', 'C-clone', []),
  // pcs 0.10 clones such a resource.
  {
    ...clone('a fence device', device, undefined),
    otherOn: { suites: ['bullseye'], as: 'a clone of a fence device' },
  },
  // Before 0.11, pcs writes it into the CIB.
  {
    ...create('one with an empty parameter', dummy, { params: { fake: '' } }, ['fake=']),
    otherOn: { suites: ['bullseye'], as: 'an empty parameter' },
  },
];

/** Changes of what other edits made. */
export const more: readonly Case[] = [
  remove('what is new', 'New'),
  remove('a clone of what is new', 'New-clone'),
  remove('a clone with a name', 'Named'),
  remove('what is cloned elsewhere', 'Bare'),
  update('what is new', 'New', { params: { fake: '3' }, meta: { priority: '3' } }, [
    'fake=3',
    'meta',
    'priority=3',
  ]),
  clone('what is new', 'New', undefined),
  clone('what is new, under a name', 'New', 'Named', { 'clone-max': '1' }),
  unclone('what is new', 'New'),
  unclone('the clone of what is new', 'New-clone'),
  unclone('the clone of what constraints name', 'L-clone'),
  unclone('a clone with a name', 'Named'),
  unclone('the clone of a bare resource', 'Bare-clone'),
  unclone('the clone of a cloned group', 'G-clone'),
  group('what is new', 'G', ['New']),
  group('what is bare, into what is new', 'New', ['Bare']),
  group('what constraints name', 'G', ['L']),
  group('what was in it before', 'G', ['G1', 'G2']),
  ungroup('what is new', 'G', ['New']),
  ungroup('all of what is new', 'New', []),
  ungroup('what is bare', 'G', ['Bare']),
  unmanage('what is new', 'New'),
  manage('what is new', 'New'),
  manage('what is bare', 'Bare'),
  manage('what is in a group', 'G1'),
  manage('a group of managed resources', 'G'),
];

/** The cluster's CIB with everything that is edited, without the status. The file `base` has it with one. */
export async function loadedCib(node: LabNode): Promise<string> {
  const load = `cibadmin --query > ${base} && CIB_file=${base} cibadmin --modify --allow-create --scope configuration --xml-pipe && cat ${base}`;
  return withoutStatus(await node.run(['sh', '-c', load], { input: loadedConfiguration }));
}

/** Compares the agent's edits of a CIB with those of pcs. */
export function describeEdits(bench: Bench, suite: Suite): void {
  describe('edits of a CIB', () => {
    const { node } = asking(bench);
    let xml = '';
    let agents: AgentMetadataReader | undefined;

    before(async () => {
      xml = await loadedCib(node());
      const host = hostIn(node());
      agents = makeAgentMetadataReader(host, makeResourceAgents(host), makeFenceAgents(host));
    });
    after(() => node().run(['rm', '-f', base, copy]));

    /** @returns the configuration, or undefined if it was refused */
    async function byPcs(args: readonly string[]): Promise<readonly string[] | undefined> {
      const command = `cp ${base} ${copy} && exec pcs -f ${copy} "$@"`;
      const { exitCode } = await node().exec(['sh', '-c', command, 'sh', ...args]);
      return exitCode === 0 ? configurationOf(await node().run(['cat', copy])) : undefined;
    }

    async function edited(change: ClusterChange<unknown>): Promise<EditableXml> {
      const cib = parseEditableXml(xml);
      await change.edit?.(cib, { host: hostIn(node()), warn: () => undefined });
      return cib;
    }

    async function byUs(change: ClusterChange<unknown>): Promise<readonly string[]> {
      return configurationOf(writeXml(await edited(change)));
    }

    /** Asserts that the patch leads Pacemaker to this CIB. */
    async function expectPatchTo(cib: EditableXml): Promise<void> {
      const original = parseEditableXml(xml);
      const input = cibPatch(cibDifferences(original, cib), original);
      const command = `cp ${base} ${copy} && CIB_file=${copy} cibadmin --patch --xml-pipe && cat ${copy}`;
      const patched = await node().run(['sh', '-c', command], { input });
      expect(childToEdit(parseEditableXml(patched), 'configuration')).to.deep.equal(
        childToEdit(cib, 'configuration'),
      );
    }

    /** The code of the fault of a refused edit; undefined if it is not refused. */
    async function refusalOf(change: ClusterChange<unknown>): Promise<string | undefined> {
      try {
        await byUs(change);
        return undefined;
      } catch (error) {
        if (error instanceof Fault) return error.code;
        throw error;
      }
    }

    const isHere = (each: Case) => isOn(each, suite);

    for (const each of [...made, ...shareOf(constraintEdits(suite), 12, suite)].filter(isHere)) {
      it(`are those of pcs if they ${each.what}`, async () => {
        const ours = await byUs(each.ours(agents as AgentMetadataReader));
        const theirs = await byPcs(valuesOf(each, suite));
        expect(differences(ours, configurationOf(xml))).not.to.deep.equal([]);
        expect(differences(ours, theirs)).to.deep.equal([]);
      });

      it(`give a patch that Pacemaker applies if they ${each.what}`, async () => {
        await expectPatchTo(await edited(each.ours(agents as AgentMetadataReader)));
      });
    }

    it('give a patch that Pacemaker applies if they reorder everything and remove some of it', async () => {
      const anyOrder = fc.infiniteStream(fc.nat());
      const property = fc.asyncProperty(anyOrder, async (numbers) => {
        const next = () => Number(numbers.next().value);
        const cib = parseEditableXml(xml);
        for (const { element } of walk(childToEdit(cib, 'configuration'))) {
          if (!inAnyOrder.includes(element.name) || next() % 3 === 0) continue;
          const stays = () => !dispensable.includes(element.name) || next() % 4 > 0;
          element.children = element.children
            .filter(stays)
            .map((each) => ({ each, place: next() }))
            .toSorted((a, b) => a.place - b.place)
            .map(({ each }) => each);
        }
        await expectPatchTo(cib);
      });
      await fc.assert(property, { numRuns: 30 });
    });

    for (const each of refused.filter(isHere)) {
      it(`are refused, as by pcs, if they ${each.what}`, async () => {
        const code = await refusalOf(each.ours(agents as AgentMetadataReader));
        expect(code).to.be.oneOf(['cluster_refused', 'id_exists', 'agent_not_found']);
        expect(await byPcs(valuesOf(each, suite))).to.equal(undefined);
      });
    }
  });
}

/** Elements whose children have no fixed order. `dispensable` are those whose children nothing refers to. */
const inAnyOrder = [
  'resources',
  'constraints',
  'group',
  'operations',
  'nodes',
  'tags',
  'tag',
  'acl_role',
  'instance_attributes',
  'meta_attributes',
  'cluster_property_set',
  'fencing-topology',
];
const dispensable = ['constraints', 'instance_attributes', 'meta_attributes', 'fencing-topology'];

/** The node for the domain. Its commands are run from here. */
export function hostIn(node: LabNode): Host<Paths> {
  return {
    run: ({ argv }) => node.exec(argv),
    paths: debianPaths,
    readDeadlineMs: 30_000,
    changeDeadlineMs: 30_000,
  };
}

/** Generated ids of resource sets. Those of pcs differ (docs/contract.md, "What differs from pcs, and why"). */
const generatedSetId = /^pcs_rsc_set_|_set(?:-\d+)?$/;

/** A configuration as a line for each element, without the generated ids of resource sets. */
export function configurationOf(xml: string): string[] {
  const linesOf = ([name, attributes, children]: Canonical, depth: number): string[] => {
    const attributeTexts = Object.entries(attributes)
      .filter(
        ([key, value]) => !(name === 'resource_set' && key === 'id' && generatedSetId.test(value)),
      )
      .map(([key, value]) => ` ${key}="${value}"`);
    const line = `${'  '.repeat(depth)}${name}${attributeTexts.toSorted().join('')}`;
    return [line, ...children.flatMap((each) => linesOf(each, depth + 1))];
  };
  const text = /<configuration>.*<\/configuration>/s.exec(xml)?.[0] ?? '';
  return canonical(text).flatMap((each) => linesOf(each, 0));
}

/** The lines that differ; empty if both say the same in the same order. */
export function differences(
  ours: readonly string[],
  theirs: readonly string[] | undefined,
): string[] {
  if (theirs === undefined) return ['pcs refuses it'];
  const first = ours.findIndex((line, index) => line !== theirs[index]);
  if (first < 0 && ours.length === theirs.length) return [];
  return [
    `from line ${first}`,
    ...ours.filter((line) => !theirs.includes(line)).map((line) => `ours: ${line}`),
    ...theirs.filter((line) => !ours.includes(line)).map((line) => `pcs: ${line}`),
  ];
}
