import { expect } from 'chai';

import { obstaclesOf } from '../../../src/cluster/why/obstacles.ts';
import { disappointmentsOf } from '../../../src/cluster/why/outcome.ts';
import { parseCib } from '../../../src/parsers/cib/cib.ts';
import { parseCrmMon } from '../../../src/parsers/crm-mon.ts';

interface State {
  /** Attributes of `<current_dc>` and `<cluster_options>`. */
  coordinator?: string;
  options?: string;
  /** Attributes of node `b`. Node `a` is online. */
  b?: string;
  resources?: string;
  history?: string;
  failures?: string;
  bans?: string;
  configured?: string;
  constraints?: string;
}

/** A state and a configuration. By default A is configured and not running. */
function seen({
  coordinator = 'present="true" with_quorum="true"',
  options = 'no-quorum-policy="stop"',
  b = 'online="true"',
  resources = '<resource id="A" role="Stopped"/>',
  history = '',
  failures = '',
  bans = '',
  configured = '<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>',
  constraints = '',
}: State) {
  return {
    state: parseCrmMon(
      `<crm_mon><summary><current_dc ${coordinator}/><cluster_options ${options}/></summary><nodes><node name="a" online="true"/><node name="b" ${b}/></nodes><resources>${resources}</resources><node_history>${history}</node_history><failures>${failures}</failures><bans>${bans}</bans></crm_mon>`,
    ),
    cib: parseCib(
      `<cib><configuration><resources>${configured}</resources><constraints>${constraints}</constraints></configuration></cib>`,
    ),
  };
}

const banned = (resource: string, node: string, id = `cli-ban-${resource}-on-${node}`) =>
  `<ban id="${id}" resource="${resource}" node="${node}" weight="-1000000"/>`;
const failedOften = (resource: string, count: number, threshold: number) =>
  `<node name="b"><resource_history id="${resource}" migration-threshold="${threshold}" fail-count="${count}"/></node>`;
/** Reasons in a configuration that count only if the state confirms them. */
const heldBack = {
  stopped: ['target-role in the template T'],
  unmanaged: ['is-managed in rsc_defaults', 'maintenance in the group G'],
  hasMaintenance: true,
};
const failure = (resource: string, reason = 'the pool is not there') =>
  `<failure op_key="${resource}_start_0" node="b" exitstatus="error" exitreason="${reason}" exitcode="1" status="complete" interval="0" task="start"/>`;

describe('the obstacles of a resource on a node', () => {
  for (const [what, state, why] of [
    [
      'there is no coordinator',
      { coordinator: 'present="false"' },
      'the cluster has no coordinator at the moment, so nothing is decided',
    ],
    [
      'there is no quorum',
      { coordinator: 'present="true" with_quorum="false"' },
      'there is no quorum, so the cluster starts nothing (no-quorum-policy is stop); the quorum shows which nodes are together',
    ],
    [
      'there is no quorum, the resource does not run and the policy is freeze',
      { coordinator: 'present="true" with_quorum="false"', options: 'no-quorum-policy="freeze"' },
      'there is no quorum, so the cluster starts nothing that does not run already (no-quorum-policy is freeze); the quorum shows which nodes are together',
    ],
    [
      'stop-all-resources is true',
      { options: 'stop-all-resources="true"' },
      'the property stop-all-resources is true',
    ],
    [
      'the cluster is in maintenance',
      { options: 'maintenance-mode="true"' },
      'the property maintenance-mode is true, so the cluster starts and stops nothing',
    ],
    ['the node is offline', { b: 'online="false"' }, 'the node is offline'],
    ['the node is in standby', { b: 'online="true" standby="true"' }, 'the node is in standby'],
    [
      'the node is in maintenance',
      { b: 'online="true" maintenance="true"' },
      'the node is in maintenance',
    ],
    [
      'the resource is banned there',
      { bans: banned('A', 'b') },
      'a ban keeps it away (constraint cli-ban-A-on-b) until the bans of A are cleared',
    ],
    [
      'a constraint other than a ban keeps the resource away',
      { bans: banned('A', 'b', 'l1') },
      'the constraint l1 keeps it away',
    ],
    [
      'the resource failed to start',
      { history: failedOften('A', 1_000_000, 1_000_000), failures: failure('A') },
      'A failed there for good (start failed on b: the pool is not there); correct the cause, then clean up A',
    ],
    [
      'the resource failed too often',
      { history: failedOften('A', 3, 3) },
      'A failed there 3 times, and its migration-threshold is 3; correct the cause, then clean up A',
    ],
    [
      'its settings are wrong, whichever node found that',
      { failures: failure('A').replace('node="b"', 'node="a"').replace('code="1"', 'code="6"') },
      'start failed on a: the pool is not there, and after exit code 6 no retry on any node helps; correct the cause, then clean up A',
    ],
    [
      'something that the resource needs is not installed there',
      { failures: failure('A').replace('code="1"', 'code="5"') },
      'start failed on b: the pool is not there, and after exit code 5 no retry on that node helps; correct the cause, then clean up A',
    ],
    [
      'the resource is configured to be stopped',
      { resources: '<resource id="A" target_role="Stopped"/>' },
      'its target-role is Stopped, because of target-role in the template T',
    ],
    [
      'the resource is not managed',
      { resources: '<resource id="A" managed="false"/>' },
      'the cluster does not manage it, because of is-managed in rsc_defaults, maintenance in the group G',
    ],
    [
      'the resource is blocked',
      {
        resources: '<resource id="A" managed="false" blocked="true"/>',
        failures: failure('A', ''),
      },
      'the cluster has blocked it after a failure (start failed on b: error (exit code 1)); correct the cause, then clean up A',
    ],
    [
      'the resource has to be with one that is banned',
      {
        bans: banned('Z', 'b', 'l1'),
        constraints: '<rsc_colocation id="c1" rsc="A" with-rsc="Z" score="INFINITY"/>',
      },
      'it has to be with Z (constraint c1), which cannot run there: the constraint l1 keeps it away',
    ],
    [
      'an earlier member of its set is banned',
      {
        bans: banned('Z', 'b', 'l1'),
        constraints:
          '<rsc_colocation id="c1" score="INFINITY"><resource_set id="s"><resource_ref id="Z"/><resource_ref id="A"/></resource_set></rsc_colocation>',
      },
      'it has to be with Z (constraint c1), which cannot run there: the constraint l1 keeps it away',
    ],
    [
      'an earlier member of its group failed too often',
      {
        history: failedOften('Z', 3, 3),
        configured: '<group id="G"><primitive id="Z"/><primitive id="A"/></group>',
      },
      'it is in the group G behind Z, which cannot run there: Z failed there 3 times, and its migration-threshold is 3; correct the cause, then clean up Z',
    ],
    [
      'its group is banned',
      {
        bans: banned('G', 'b'),
        configured: '<group id="G"><primitive id="A"/></group>',
      },
      'a ban keeps it away (constraint cli-ban-G-on-b) until the bans of G are cleared',
    ],
  ] as const satisfies readonly (readonly [string, State, string])[]) {
    it(`are found if ${what}`, () => {
      const places = { ...seen(state), heldBack };
      expect(obstaclesOf(places, 'A', { node: 'b' })).to.deep.equal([why]);
    });
  }

  for (const [what, state] of [
    ['nothing is wrong', {}],
    [
      'the cluster ignores that there is no quorum',
      { coordinator: 'present="true" with_quorum="false"', options: 'no-quorum-policy="ignore"' },
    ],
    [
      'there is no quorum, the resource runs and the policy is freeze',
      {
        coordinator: 'present="true" with_quorum="false"',
        options: 'no-quorum-policy="freeze"',
        resources: '<resource id="A"><node name="a"/></resource>',
      },
    ],
    ['another resource is banned', { bans: banned('B', 'b') }],
    [
      'something that the resource needs is missing only on another node',
      { failures: failure('A').replace('node="b"', 'node="a"').replace('code="1"', 'code="5"') },
    ],
    ['the resource is banned on another node', { bans: banned('A', 'a') }],
    [
      'a constraint only discourages the node',
      { bans: '<ban id="l" resource="A" node="b" weight="-100"/>' },
    ],
    [
      'only the promoted role is banned',
      { bans: '<ban id="l" resource="A" node="b" weight="-1000000" promoted-only="true"/>' },
    ],
    ['it failed less often than its migration-threshold', { history: failedOften('A', 2, 3) }],
    ['it failed often and has no migration-threshold', { history: failedOften('A', 1_000_000, 0) }],
    [
      'a resource that depends on it is banned',
      {
        bans: banned('Z', 'b'),
        constraints: '<rsc_colocation id="c1" rsc="Z" with-rsc="A" score="INFINITY"/>',
      },
    ],
    [
      'it is colocated with a banned resource, but not mandatorily',
      {
        bans: banned('Z', 'b'),
        constraints: '<rsc_colocation id="c1" rsc="A" with-rsc="Z" score="100"/>',
      },
    ],
    [
      'a member of its set is banned, but the set is not sequential',
      {
        bans: banned('Z', 'b'),
        constraints:
          '<rsc_colocation id="c1" score="INFINITY"><resource_set id="s" sequential="false"><resource_ref id="Z"/><resource_ref id="A"/></resource_set></rsc_colocation>',
      },
    ],
    [
      'two resources depend on each other',
      {
        constraints:
          '<rsc_colocation id="c1" rsc="A" with-rsc="Z" score="INFINITY"/><rsc_colocation id="c2" rsc="Z" with-rsc="A" score="INFINITY"/>',
      },
    ],
  ] as const satisfies readonly (readonly [string, State])[]) {
    it(`are empty if ${what}`, () => {
      const places = { ...seen(state), heldBack };
      expect(obstaclesOf(places, 'A', { node: 'b' })).to.deep.equal([]);
    });
  }

  it('name no setting as their cause if the configuration has none', () => {
    const resources = '<resource id="A" managed="false" target_role="Stopped"/>';
    expect(obstaclesOf(seen({ resources }), 'A')).to.deep.equal([
      'its target-role is Stopped',
      'the cluster does not manage it',
    ]);
  });

  it('are listed per node if no node is left', () => {
    const state = { bans: banned('A', 'a', 'l1'), b: 'online="false"' };
    expect(obstaclesOf(seen(state), 'A')).to.deep.equal([
      'on a: the constraint l1 keeps it away',
      'on b: the node is offline',
    ]);
    expect(obstaclesOf(seen({ b: 'online="false"' }), 'A')).to.deep.equal([]);
  });
});

describe('the deviations after a change', () => {
  const running = '<resource id="A" role="Started"><node name="a"/></resource>';
  const moments = ['before', 'after'] as const;

  it('are empty if the resource is as expected', () => {
    for (const moment of moments) {
      for (const expected of [{ resource: 'A' }, { resource: 'A', node: 'a' }]) {
        expect(disappointmentsOf(seen({ resources: running }), expected, moment)).to.deep.equal([]);
      }
    }
  });

  it('name a failed or blocked resource', () => {
    for (const moment of moments) {
      for (const [how, word] of [
        ['failed="true"', 'failed'],
        ['blocked="true" failed="true"', 'blocked after a failure'],
      ] as const) {
        const resources = `<resource id="A" ${how}><node name="a"/></resource>`;
        const state = seen({ resources, failures: failure('A') });
        expect(disappointmentsOf(state, { resource: 'A' }, moment)).to.deep.equal([
          `A is ${word}: start failed on b: the pool is not there.`,
        ]);
      }
    }
  });

  it('name the current node of a resource, and why it is not on the expected one', () => {
    const state = seen({ resources: running, failures: failure('A') });
    expect(disappointmentsOf(state, { resource: 'A', node: 'b' }, 'after')).to.deep.equal([
      'A is not on b but on a: start failed on b: the pool is not there.',
    ]);
  });

  it('are predicted only if they are certain', () => {
    expect(disappointmentsOf(seen({}), { resource: 'A' }, 'before')).to.deep.equal([]);
    expect(disappointmentsOf(seen({}), { resource: 'A' }, 'after')).to.deep.equal([
      'A is not running. The status of the cluster shows no failure that would say why.',
    ]);
    const noQuorum = seen({ coordinator: 'present="true" with_quorum="false"', resources: '' });
    const [found] = disappointmentsOf(noQuorum, { resource: 'A' }, 'before');
    expect(found).to.match(/^A is not running, and will not be: there is no quorum/);
  });

  it('do not include a configured stop, unless the change is a start', () => {
    const state = seen({ resources: '<resource id="A" target_role="Stopped"/>' });
    expect(disappointmentsOf(state, { resource: 'A' }, 'after')).to.deep.equal([]);
    // The start removes this obstacle.
    expect(disappointmentsOf(state, { resource: 'A', isStarted: true }, 'before')).to.deep.equal(
      [],
    );
    const [found] = disappointmentsOf(state, { resource: 'A', isStarted: true }, 'after');
    expect(found).to.match(/^A is not running: its target-role is Stopped/);
  });

  it('name only the member of a group that will not run', () => {
    const configured = '<group id="G"><primitive id="A"/><primitive id="B"/></group>';
    const expected = { resource: 'G', isStarted: true };
    for (const [moment, attributes, why] of [
      ['made', 'target_role="Stopped"', 'its target-role is Stopped, because of target-role in'],
      ['before', 'managed="false"', 'the cluster does not manage it, because of is-managed in'],
    ] as const) {
      const resources = `<group id="G"><resource id="A"/><resource id="B" ${attributes}/></group>`;
      const state = { ...seen({ configured, resources }), heldBack };
      const [found, ...more] = disappointmentsOf(state, expected, moment);
      expect(found).to.include(`B is not running, and will not be: ${why}`);
      expect(found?.startsWith('B '), found).to.equal(true);
      expect(more).to.deep.equal([]);
    }
  });

  it('name the member of a group that does not run', () => {
    const state = seen({
      configured: '<group id="G"><primitive id="A"/><primitive id="B"/></group>',
      resources: `<group id="G">${running}<resource id="B" role="Stopped"/></group>`,
      failures: failure('B'),
    });
    expect(disappointmentsOf(state, { resource: 'G' }, 'after')).to.deep.equal([
      'B is not running: start of B failed on b: the pool is not there.',
    ]);
  });
});
