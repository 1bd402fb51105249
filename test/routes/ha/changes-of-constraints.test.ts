import { expect } from 'chai';

import {
  changesBench,
  everythingCib,
  nodes,
  outcomeOf,
  remoteNodesCib,
} from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { other } = nodes;

describe('what a constraint that is set makes of the CIB', () => {
  const folder = temporaryFolder();

  async function set(type: string, body: object, cluster = fakeCluster(everythingCib)) {
    const { call } = await changesBench(folder.path, { cluster });
    const answer = await call('POST', `constraint/${type}`, body);
    return { outcome: outcomeOf(answer), answer, cluster };
  }

  const sets = {
    setOne: { resources: ['ZFS', 'SMB'], options: { sequential: false } },
    setTwo: { resources: ['NFS'], options: { 'require-all': 'true', action: 'start' } },
  };

  const cases: readonly [what: string, type: string, body: object, lines: readonly string[]][] = [
    [
      'order',
      'order',
      {
        name: 'o',
        kind: 'Optional',
        first: { resource: 'ZFS', operation: 'stop' },
        then: { resource: 'Alphorn', operation: 'start' },
        options: { symmetrical: false },
      },
      [
        '+ constraints: <rsc_order id="o" first="ZFS" first-action="stop" then="Alphorn" then-action="start" kind="Optional" symmetrical="false">',
      ],
    ],
    [
      'order without more: what is documented as its default',
      'order',
      { first: { resource: 'Plain' }, then: { resource: 'Alphorn' } },
      [
        '+ constraints: <rsc_order id="order-Plain-Alphorn-Mandatory" first="Plain" first-action="start" then="Alphorn" then-action="start" kind="Mandatory">',
      ],
    ],
    [
      'order whose second action is the first if nothing is said',
      'order',
      { first: { resource: 'Plain', operation: 'stop' }, then: { resource: 'Alphorn' } },
      [
        '+ constraints: <rsc_order id="order-Plain-Alphorn-Mandatory" first="Plain" first-action="stop" then="Alphorn" then-action="stop" kind="Mandatory">',
      ],
    ],
    [
      'order of a list',
      'order_group',
      { name: 'og', resources: ['SMB', 'NFS'], kind: 'prefers', score: 'INFINITY' },
      [
        '+ constraints: <rsc_order id="og">',
        '+ og: <resource_set id="pcs_rsc_set_SMB_NFS">',
        '+ pcs_rsc_set_SMB_NFS: <resource_ref id="SMB">',
        '+ pcs_rsc_set_SMB_NFS: <resource_ref id="NFS">',
      ],
    ],
    [
      'order of two sets',
      'order_group',
      { ...sets, kind: 'Serialize', setOptions: { symmetrical: 'false' } },
      [
        '+ constraints: <rsc_order id="order_set_ZFS_SMB_set_NFS" kind="Serialize" symmetrical="false">',
        '+ order_set_ZFS_SMB_set_NFS: <resource_set id="pcs_rsc_set_ZFS_SMB" sequential="false">',
        '+ pcs_rsc_set_ZFS_SMB: <resource_ref id="ZFS">',
        '+ pcs_rsc_set_ZFS_SMB: <resource_ref id="SMB">',
        '+ order_set_ZFS_SMB_set_NFS: <resource_set id="pcs_rsc_set_NFS" require-all="true" action="start">',
        '+ pcs_rsc_set_NFS: <resource_ref id="NFS">',
      ],
    ],
    [
      'colocation: first goes where then is',
      'colocation',
      { name: 'c', first: 'NFS', then: 'SMB', score: 5 },
      ['+ constraints: <rsc_colocation id="c" rsc="NFS" with-rsc="SMB" score="5">'],
    ],
    [
      'colocation with roles',
      'colocation',
      {
        first: { resource: 'NFS', role: 'Started' },
        then: { resource: 'Database-clone', role: 'Promoted' },
      },
      [
        '+ constraints: <rsc_colocation id="colocation-NFS-Database-clone-INFINITY" rsc="NFS" with-rsc="Database-clone" score="INFINITY" rsc-role="Started" with-rsc-role="Promoted">',
      ],
    ],
    [
      'colocation of sets, whose score the options may have',
      'colocation_group',
      { name: 'cg', ...sets, score: '1', setOptions: { score: '-7' } },
      [
        '+ constraints: <rsc_colocation id="cg" score="-7">',
        '+ cg: <resource_set id="pcs_rsc_set_ZFS_SMB" sequential="false">',
        '+ pcs_rsc_set_ZFS_SMB: <resource_ref id="ZFS">',
        '+ pcs_rsc_set_ZFS_SMB: <resource_ref id="SMB">',
        '+ cg: <resource_set id="pcs_rsc_set_NFS" require-all="true" action="start">',
        '+ pcs_rsc_set_NFS: <resource_ref id="NFS">',
      ],
    ],
    [
      'location',
      'location',
      { resource: 'SMB', kind: 'prefers', score: '+50', location: other },
      [
        `+ constraints: <rsc_location id="location-SMB-${other}-50" rsc="SMB" node="${other}" score="50">`,
      ],
    ],
    [
      'location that avoids nodes, of which the first has the name',
      'location',
      { name: 'l', resource: 'SMB', kind: 'avoids', locations: [nodes.local, other] },
      [
        `+ constraints: <rsc_location id="l" rsc="SMB" node="${nodes.local}" score="-INFINITY">`,
        `+ constraints: <rsc_location id="location-SMB-${other}--INFINITY" rsc="SMB" node="${other}" score="-INFINITY">`,
      ],
    ],
    [
      'location with a rule',
      'location',
      {
        resource: 'SMB',
        kind: 'avoids',
        score: 7,
        rule: {
          id: 'not this',
          'boolean-op': 'and',
          expression: [{ attribute: 'rack', operation: 'eq', value: '<1>' }],
          rule: [{ date_expression: [{ operation: 'date_spec', date_spec: [{ hours: '9-16' }] }] }],
        },
      },
      [
        '+ constraints: <rsc_location id="location-SMB" rsc="SMB">',
        '+ location-SMB: <rule id="location-SMB-rule" boolean-op="and" score="-7">',
        '+ location-SMB-rule: <expression id="location-SMB-rule-expr" attribute="rack" operation="eq" value="<1>">',
        '+ location-SMB-rule: <rule id="location-SMB-rule-rule">',
        '+ location-SMB-rule-rule: <date_expression id="location-SMB-rule-rule-expr" operation="date_spec">',
        '+ location-SMB-rule-rule-expr: <date_spec id="location-SMB-rule-rule-expr-expr" hours="9-16">',
      ],
    ],
    [
      'location with a rule that has a score of its own',
      'location',
      {
        resource: 'SMB',
        rule: {
          'score-attribute': 'rack',
          expression: [{ attribute: 'rack', operation: 'defined' }],
        },
      },
      [
        '+ constraints: <rsc_location id="location-SMB" rsc="SMB">',
        '+ location-SMB: <rule id="location-SMB-rule" score-attribute="rack">',
        '+ location-SMB-rule: <expression id="location-SMB-rule-expr" attribute="rack" operation="defined">',
      ],
    ],
    [
      'ticket',
      'ticket',
      { ticket: 'site:A', resource: 'SMB', role: 'Started', 'loss-policy': 'fence' },
      [
        '+ constraints: <rsc_ticket id="ticket-site_A-SMB-Started" rsc="SMB" rsc-role="Started" ticket="site:A" loss-policy="fence">',
      ],
    ],
    [
      'a name outside of ASCII, as it is',
      'ticket',
      { name: 'Größe·1', ticket: 'T', resource: 'SMB' },
      ['+ constraints: <rsc_ticket id="Größe·1" rsc="SMB" ticket="T">'],
    ],
  ];
  for (const [what, type, body, lines] of cases) {
    it(what, async () => {
      const { outcome, cluster } = await set(type, body);
      expect(outcome).to.deep.equal([200]);
      expect(cluster.cibChanges()).to.deep.equal(lines);
    });
  }

  it('a number behind an id that would be taken already', async () => {
    const { cluster } = await set('colocation_group', {
      name: 'x',
      resources: ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'],
      score: 3,
    });
    expect(cluster.cibChanges()).to.include(
      '+ x: <resource_set id="pcs_rsc_set_ZFS_SMB_NFS_Alphorn_VIP_mgmt0-1">',
    );
  });

  it('nothing, if something says the same already', async () => {
    for (const [type, body] of [
      ['order', { name: 'again', first: { resource: 'ZFS' }, then: { resource: 'SMB' } }],
      ['colocation_group', { resources: ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'] }],
      ['ticket', { ticket: 'ticketA', resource: 'NeedsTicket' }],
    ] as const) {
      const { outcome, cluster } = await setAnew(type, body);
      expect(outcome, type).to.deep.equal([409, 'constraint_exists']);
      expect(cluster.cibChanges()).to.deep.equal([]);
    }
  });

  it('nothing, if the name is taken, by whatever it is', async () => {
    const { cluster } = await set('ticket', { ticket: 'first', resource: 'SMB' });
    for (const name of ['startingNFS', 'ZFS', 'nodes-1-rack', 'o-set-1', 'Plain-monitor-10']) {
      const { outcome, cluster: same } = await setAnew(
        'ticket',
        { name, ticket: 'T', resource: 'SMB' },
        cluster,
      );
      expect(outcome, name).to.deep.equal([409, 'id_exists']);
      expect(same.cibChanges()).to.have.lengthOf(1);
    }
  });

  it('nothing, if it is of what is inside a clone or bundle, and the clone is named', async () => {
    for (const [inside, around] of [
      ['Everywhere', 'Everywhere-clone'],
      ['WebServer', 'Web-clone'],
      ['Queue', 'Queue-master'],
      ['InContainer', 'Container'],
    ] as const) {
      const { outcome, answer, cluster } = await setAnew('ticket', {
        ticket: 'T',
        resource: inside,
      });
      expect(outcome).to.deep.equal([422, 'constrain_the_clone']);
      expect(answer.body).to.have.property('detail').that.includes(`Constrain ${around} instead`);
      expect(cluster.changes()).to.deep.equal([]);
    }
  });

  it('one of a group, of what is in it, and of a clone as such', async () => {
    for (const resource of ['Files', 'Mount', 'Web-clone', 'Container', 'FromTemplate']) {
      expect((await setAnew('ticket', { ticket: 'T', resource })).outcome, resource).to.deep.equal([
        200,
      ]);
    }
  });

  it('a location on remote and guest nodes as well, of which all others are unknown', async () => {
    for (const location of ['remote1', 'guest1']) {
      const cluster = fakeCluster(remoteNodesCib);
      const { outcome } = await setAnew('location', { resource: 'SMB', location }, cluster);
      expect(outcome).to.deep.equal([200]);
    }
    for (const location of ['VM', 'SMB']) {
      const { outcome } = await setAnew('location', { resource: 'SMB', location });
      expect(outcome).to.deep.equal([404, 'node_not_found']);
    }
  });

  it('without the constraint that is deleted', async () => {
    const cluster = fakeCluster(everythingCib);
    const { call } = await changesBench(folder.path, { cluster });
    expect((await call('POST', 'constraint/o-set/delete')).status).to.equal(200);
    expect(cluster.cibChanges()).to.deep.equal([
      '- constraints: <rsc_order id="o-set" kind="Optional" symmetrical="true">',
      '- o-set: <resource_set id="o-set-1" sequential="false" require-all="false">',
      '- o-set-1: <resource_ref id="Plain">',
      '- o-set-1: <resource_ref id="Bare">',
    ]);
    for (const id of ['o-set', 'ZFS', 'o-sets-1']) {
      expect(outcomeOf(await call('DELETE', `constraint/${id}`))).to.deep.equal([
        404,
        'constraint_not_found',
      ]);
    }
  });

  /** The token of a bench is there already. */
  let again = 0;
  async function setAnew(type: string, body: object, cluster = fakeCluster(everythingCib)) {
    again += 1;
    const { call } = await changesBench(`${folder.path}/${again}`, { cluster });
    const answer = await call('POST', `constraint/${type}`, body);
    return { outcome: outcomeOf(answer), answer, cluster };
  }
});
