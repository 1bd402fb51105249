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

describe('a new constraint', () => {
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
      'order, by the name that is used for reading',
      'ordering',
      { first: { resource: 'Plain' }, then: { resource: 'Alphorn' } },
      [
        '+ constraints: <rsc_order id="order-Plain-Alphorn-Mandatory" first="Plain" first-action="start" then="Alphorn" then-action="start" kind="Mandatory">',
      ],
    ],
    [
      'order with the documented defaults',
      'order',
      { first: { resource: 'Plain' }, then: { resource: 'Alphorn' } },
      [
        '+ constraints: <rsc_order id="order-Plain-Alphorn-Mandatory" first="Plain" first-action="start" then="Alphorn" then-action="start" kind="Mandatory">',
      ],
    ],
    [
      'order whose second action defaults to the first',
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
      'colocation that places first where then is',
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
      'colocation of sets, with the score in the options',
      'colocation_group',
      { name: 'cg', ...sets, score: '1', setOptions: { score: '7' } },
      [
        '+ constraints: <rsc_colocation id="cg" score="7">',
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
      'location that avoids several nodes, with the name on the first',
      'location',
      { name: 'l', resource: 'SMB', kind: 'avoids', locations: [nodes.local, other] },
      [
        `+ constraints: <rsc_location id="l" rsc="SMB" node="${nodes.local}" score="-INFINITY">`,
        `+ constraints: <rsc_location id="location-SMB-${other}--INFINITY" rsc="SMB" node="${other}" score="-INFINITY">`,
      ],
    ],
    [
      'location of a role, with resource-discovery',
      'location',
      {
        resource: 'Database-clone',
        location: other,
        role: 'Master',
        'resource-discovery': 'never',
      },
      [
        // The new constraint replaces this one.
        `- constraints: <rsc_location id="l-role" rsc="Database-clone" role="Promoted" node="${other}" score="7">`,
        `+ constraints: <rsc_location id="location-Database-clone-${other}-INFINITY" rsc="Database-clone" role="Promoted" node="${other}" score="INFINITY" resource-discovery="never">`,
      ],
    ],
    [
      'location of a role with a rule that has the role',
      'location',
      {
        resource: 'Database-clone',
        role: 'Unpromoted',
        'resource-discovery': 'exclusive',
        rule: { expression: [{ attribute: 'rack', operation: 'defined' }] },
      },
      [
        '+ constraints: <rsc_location id="location-Database-clone" rsc="Database-clone" resource-discovery="exclusive">',
        '+ location-Database-clone: <rule id="location-Database-clone-rule" score="INFINITY" role="Unpromoted">',
        '+ location-Database-clone-rule: <expression id="location-Database-clone-rule-expr" attribute="rack" operation="defined">',
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
      'a name with characters beyond ASCII',
      'ticket',
      { name: 'Größe·1', ticket: 'T', resource: 'SMB' },
      ['+ constraints: <rsc_ticket id="Größe·1" rsc="SMB" ticket="T">'],
    ],
  ];
  for (const [what, type, body, lines] of cases) {
    it(`is made in the CIB: ${what}`, async () => {
      const { outcome, cluster } = await set(type, body);
      expect(outcome).to.deep.equal([200]);
      expect(cluster.cibChanges()).to.deep.equal(lines);
    });
  }

  it('gets a number at the end of an id that is taken', async () => {
    const { cluster } = await set('order_group', {
      name: 'x',
      resources: ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'],
    });
    expect(cluster.cibChanges()).to.include(
      '+ x: <resource_set id="pcs_rsc_set_ZFS_SMB_NFS_Alphorn_VIP_mgmt0-1">',
    );
  });

  it('is refused if an existing one says the same', async () => {
    for (const [type, body] of [
      ['order', { name: 'again', first: { resource: 'ZFS' }, then: { resource: 'SMB' } }],
      ['colocation_group', { resources: ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'] }],
      ['ticket', { ticket: 'ticketA', resource: 'NeedsTicket' }],
    ] as const) {
      const { outcome, cluster } = await setInNewBench(type, body);
      expect(outcome, type).to.deep.equal([409, 'constraint_exists']);
      expect(cluster.cibChanges()).to.deep.equal([]);
    }
  });

  /** Existing constraints, a request, and its code and texts of the answer; no code if it is made. */
  const compared: readonly [string, string, string, object, readonly string[]][] = [
    [
      'an order with implicit defaults',
      '<rsc_order id="X" first="ZFS" then="SMB"/>',
      'order',
      { first: { resource: 'ZFS', operation: 'start' }, then: { resource: 'SMB' } },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'an order with the old score instead of a kind',
      '<rsc_order id="X" first="ZFS" then="SMB" score="0"/>',
      'order',
      { first: { resource: 'ZFS' }, then: { resource: 'SMB' }, kind: 'Optional' },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'an order of another kind',
      '<rsc_order id="X" first="ZFS" then="SMB" kind="Optional"/>',
      'order',
      { first: { resource: 'ZFS' }, then: { resource: 'SMB' } },
      ['constraint_contradicts', 'X contradicts it: its kind is Optional, not Mandatory'],
    ],
    [
      'an order that is not symmetrical',
      '<rsc_order id="X" first="ZFS" then="SMB"/>',
      'order',
      {
        first: { resource: 'ZFS' },
        then: { resource: 'SMB' },
        options: { symmetrical: false },
      },
      ['constraint_contradicts', 'X contradicts it: its symmetrical is true, not false'],
    ],
    [
      'an order the other way round',
      '<rsc_order id="X" first="SMB" then="ZFS"/>',
      'order',
      { first: { resource: 'ZFS' }, then: { resource: 'SMB' } },
      ['constraint_contradicts', 'the other way round'],
    ],
    [
      'a symmetrical order whose reverse is the request',
      '<rsc_order id="X" first="ZFS" then="SMB"/>',
      'order',
      {
        first: { resource: 'ZFS', operation: 'stop' },
        then: { resource: 'SMB', operation: 'stop' },
        options: { symmetrical: false },
      },
      ['constraint_contradicts', 'the other way round'],
    ],
    [
      'the reverse of a symmetrical request',
      '<rsc_order id="X" first="ZFS" then="SMB"/>',
      'order',
      {
        first: { resource: 'SMB', operation: 'stop' },
        then: { resource: 'ZFS', operation: 'stop' },
      },
      [],
    ],
    [
      'an order with other actions',
      '<rsc_order id="X" first="ZFS" then="SMB" symmetrical="false"/>',
      'order',
      {
        first: { resource: 'ZFS', operation: 'stop' },
        then: { resource: 'SMB', operation: 'stop' },
        options: { symmetrical: false },
      },
      [],
    ],
    [
      'the same with the resources exchanged, of kind Serialize',
      '<rsc_order id="X" first="SMB" then="ZFS" kind="Serialize"/>',
      'order',
      { first: { resource: 'ZFS' }, then: { resource: 'SMB' }, kind: 'Serialize' },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'an order of the two resources of the set',
      '<rsc_order id="X" first="ZFS" then="SMB"/>',
      'order_group',
      { resources: ['ZFS', 'SMB'] },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a set with the two resources the other way round',
      '<rsc_order id="X"><resource_set id="X-1"><resource_ref id="ZFS"/><resource_ref id="NFS"/><resource_ref id="SMB"/></resource_set></rsc_order>',
      'order',
      { first: { resource: 'SMB' }, then: { resource: 'ZFS' } },
      ['constraint_contradicts', 'the other way round'],
    ],
    [
      'an order of the same sets with implicit defaults',
      '<rsc_order id="X"><resource_set id="X-1"><resource_ref id="ZFS"/><resource_ref id="NFS"/></resource_set><resource_set id="X-2"><resource_ref id="SMB"/></resource_set></rsc_order>',
      'order_group',
      {
        setOne: {
          resources: ['ZFS', 'NFS'],
          options: { sequential: true, 'require-all': 1, action: 'start' },
        },
        setTwo: { resources: ['SMB'] },
        setOptions: { kind: 'Mandatory', symmetrical: 'true' },
      },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'an order of sets that require all resources',
      '<rsc_order id="X"><resource_set id="X-1" sequential="false"><resource_ref id="ZFS"/><resource_ref id="NFS"/></resource_set><resource_set id="X-2"><resource_ref id="SMB"/></resource_set></rsc_order>',
      'order_group',
      {
        setOne: {
          resources: ['NFS', 'ZFS'],
          options: { sequential: false, 'require-all': false },
        },
        setTwo: { resources: ['SMB'] },
      },
      ['constraint_contradicts', 'its sets have other options'],
    ],
    [
      'an order of the same set by reference',
      '<rsc_order id="X"><resource_set id-ref="Y-1"/></rsc_order><rsc_colocation id="Y" score="1"><resource_set id="Y-1"><resource_ref id="ZFS"/><resource_ref id="SMB"/></resource_set></rsc_colocation>',
      'order_group',
      { resources: ['ZFS', 'SMB'] },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a colocation with another score',
      '<rsc_colocation id="X" rsc="NFS" with-rsc="SMB" score="100"/>',
      'colocation',
      { first: 'NFS', then: 'SMB', score: '-INFINITY' },
      ['constraint_contradicts', 'X contradicts it: its score is 100, not -INFINITY'],
    ],
    [
      'a colocation with implicit roles and the score INFINITY as a number',
      '<rsc_colocation id="X" rsc="NFS" with-rsc="SMB" score="+1000000"/>',
      'colocation',
      {
        first: { resource: 'NFS', role: 'Started' },
        then: { resource: 'SMB', role: 'Started' },
        options: { influence: 'true' },
      },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a colocation with the newer name of the role',
      '<rsc_colocation id="X" rsc="NFS" with-rsc="Database-clone" with-rsc-role="Promoted" score="INFINITY"/>',
      'colocation',
      { first: 'NFS', then: { resource: 'Database-clone', role: 'Master' } },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a colocation with another role',
      '<rsc_colocation id="X" rsc="NFS" with-rsc="Database-clone" with-rsc-role="Promoted" score="INFINITY"/>',
      'colocation',
      { first: 'NFS', then: { resource: 'Database-clone', role: 'Unpromoted' }, score: -5 },
      [],
    ],
    [
      'the same colocation the other way round',
      '<rsc_colocation id="X" rsc="SMB" with-rsc="NFS" score="INFINITY"/>',
      'colocation',
      { first: 'NFS', then: 'SMB' },
      [],
    ],
    [
      'the opposite colocation the other way round',
      '<rsc_colocation id="X" rsc="SMB" with-rsc="NFS" score="5"/>',
      'colocation',
      { first: 'NFS', then: 'SMB', score: -5 },
      ['constraint_contradicts', 'its score is 5'],
    ],
    [
      'a colocation by another node attribute',
      '<rsc_colocation id="X" rsc="NFS" with-rsc="SMB" score="5" node-attribute="site"/>',
      'colocation',
      { first: 'NFS', then: 'SMB', score: -5 },
      [],
    ],
    [
      'a colocated set with another score',
      '<rsc_colocation id="X" score="5"><resource_set id="X-1"><resource_ref id="NFS"/><resource_ref id="SMB"/></resource_set></rsc_colocation>',
      'colocation_group',
      { resources: ['NFS', 'SMB'], score: 6 },
      ['constraint_contradicts', 'X contradicts it: its score is 5, not 6'],
    ],
    [
      'a colocated set of the two resources',
      '<rsc_colocation id="X" score="5"><resource_set id="X-1"><resource_ref id="NFS"/><resource_ref id="SMB"/></resource_set></rsc_colocation>',
      'colocation',
      { first: 'SMB', then: 'NFS', score: 5 },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a set that keeps the two resources apart',
      '<rsc_colocation id="X" score="-5"><resource_set id="X-1"><resource_ref id="NFS"/><resource_ref id="ZFS"/><resource_ref id="SMB"/></resource_set></rsc_colocation>',
      'colocation',
      { first: 'SMB', then: 'NFS', score: 5 },
      ['constraint_contradicts', 'its score is -5'],
    ],
    [
      'a ticket with implicit defaults',
      '<rsc_ticket id="X" ticket="T" rsc="SMB"/>',
      'ticket',
      { ticket: 'T', resource: 'SMB', role: 'Started', 'loss-policy': 'stop' },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a ticket with another loss policy',
      '<rsc_ticket id="X" ticket="T" rsc="SMB"/>',
      'ticket',
      { ticket: 'T', resource: 'SMB', 'loss-policy': 'fence' },
      ['constraint_contradicts', 'X contradicts it: its loss-policy is stop, not fence'],
    ],
    [
      'a ticket with the newer name of the promoted role',
      '<rsc_ticket id="X" ticket="T" rsc="Database-clone" rsc-role="Promoted"/>',
      'ticket',
      { ticket: 'T', resource: 'Database-clone', role: 'Master', 'loss-policy': 'demote' },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a ticket of a set with the resource',
      '<rsc_ticket id="X" ticket="T"><resource_set id="X-1"><resource_ref id="NFS"/><resource_ref id="SMB"/></resource_set></rsc_ticket>',
      'ticket',
      { ticket: 'T', resource: 'SMB', 'loss-policy': 'freeze' },
      ['constraint_contradicts', 'X contradicts it: its loss-policy is stop, not freeze'],
    ],
    [
      'another ticket, and the same ticket with another role',
      '<rsc_ticket id="X" ticket="T" rsc="Database-clone" rsc-role="Promoted"/><rsc_ticket id="Y" ticket="U" rsc="Database-clone"/>',
      'ticket',
      { ticket: 'T', resource: 'Database-clone', 'loss-policy': 'fence' },
      [],
    ],
    [
      'a location by a rule with implicit defaults',
      '<rsc_location id="X" rsc="SMB"><rule id="X-rule" score="INFINITY"><expression id="X-1" attribute="a" operation="defined"/><expression id="X-2" attribute="b" operation="eq" value="1"/></rule></rsc_location>',
      'location',
      {
        resource: 'SMB',
        rule: {
          'boolean-op': 'and',
          role: 'Started',
          expression: [
            { attribute: 'b', operation: 'eq', value: '1', type: 'string' },
            { attribute: 'a', operation: 'defined' },
          ],
        },
      },
      ['constraint_exists', 'X says the same'],
    ],
    [
      'a location by a rule with another score',
      '<rsc_location id="X" rsc="SMB"><rule id="X-rule" score="5"><expression id="X-1" attribute="a" operation="defined"/></rule></rsc_location>',
      'location',
      {
        resource: 'SMB',
        kind: 'avoids',
        rule: { expression: [{ attribute: 'a', operation: 'defined' }] },
      },
      ['constraint_contradicts', 'X contradicts it: its score is 5, not -INFINITY'],
    ],
    [
      'a location by a rule of another role',
      '<rsc_location id="X" rsc="Database-clone"><rule id="X-rule" score="5"><expression id="X-1" attribute="a" operation="defined"/></rule></rsc_location>',
      'location',
      {
        resource: 'Database-clone',
        role: 'Promoted',
        rule: { expression: [{ attribute: 'a', operation: 'defined' }] },
      },
      [],
    ],
  ];
  for (const [what, present, type, body, [code, ...texts]] of compared) {
    it(`${code === undefined ? 'is made' : 'is refused'} next to ${what}`, async () => {
      const cluster = fakeCluster(withConstraints(present));
      const { outcome, answer } = await setInNewBench(type, body, cluster);
      expect(outcome).to.deep.equal(code === undefined ? [200] : [409, code]);
      for (const each of texts) expect(answer.body).to.have.property('detail').that.includes(each);
      expect(cluster.cibChanges().length > 0).to.equal(code === undefined);
    });
  }

  it('is refused between a resource and itself, its own group, or another member of its group', async () => {
    for (const [type, body, texts] of [
      ['colocation', { first: 'SMB', then: 'SMB' }, 'SMB is named twice'],
      ['colocation', { first: 'SMB', then: 'SMB', score: '-INFINITY' }, 'SMB is named twice'],
      [
        'colocation_group',
        { setOne: { resources: ['SMB', 'NFS'] }, setTwo: { resources: ['SMB'] } },
        'SMB is named twice',
      ],
      ['order', { first: { resource: 'SMB' }, then: { resource: 'SMB' } }, 'SMB is named twice'],
      ['colocation', { first: 'Mount', then: 'Files' }, 'Mount is in Files'],
      ['order', { first: { resource: 'Files' }, then: { resource: 'Mount' } }, 'Mount is in Files'],
      [
        'order',
        { first: { resource: 'Export' }, then: { resource: 'Mount' } },
        'Export and Mount are both in the group Files',
      ],
      ['order_group', { resources: ['SMB', 'Mount', 'Export'] }, 'both in the group Files'],
    ] as const) {
      const { outcome, answer, cluster } = await setInNewBench(type, body);
      expect(outcome, JSON.stringify(body)).to.deep.equal([422, 'cluster_refused']);
      expect(answer.body).to.have.property('detail').that.includes(texts);
      expect(cluster.cibChanges()).to.deep.equal([]);
    }
  });

  describe('that is a location on nodes', () => {
    /** The locations of SMB after these requests, one after another. */
    async function after(present: string, ...bodies: readonly object[]) {
      const cluster = fakeCluster(withConstraints(present));
      again += 1;
      const { call } = await changesBench(`${folder.path}/${again}`, { cluster });
      const outcomes: unknown[] = [];
      for (const body of bodies) {
        outcomes.push(
          outcomeOf(await call('POST', 'constraint/location', { resource: 'SMB', ...body })),
        );
      }
      const locations = cluster.xml().match(/<rsc_location [^>]*rsc="SMB"[^>]*>/g) ?? [];
      return { outcomes, locations: locations.map((each) => each.replace('<rsc_location ', '')) };
    }

    it('replaces the former one for the node, and may have its name', async () => {
      const { outcomes, locations } = await after(
        '',
        { name: 'mine', location: other, score: 100 },
        { name: 'mine', location: other, score: 50 },
        { location: nodes.local, score: 7 },
      );
      expect(outcomes).to.deep.equal([[200], [200], [200]]);
      expect(locations).to.deep.equal([
        `id="mine" rsc="SMB" node="${other}" score="50"/>`,
        `id="location-SMB-${nodes.local}-7" rsc="SMB" node="${nodes.local}" score="7"/>`,
      ]);
    });

    it('replaces a ban of crm_resource and a location that avoids the node', async () => {
      const { locations } = await after(
        `<rsc_location id="cli-ban-SMB-on-${other}" rsc="SMB" role="Started" node="${other}" score="-INFINITY"/><rsc_location id="second" rsc="SMB" node="${other}" score="3" resource-discovery="never"/>`,
        { location: other, kind: 'avoids' },
        { location: other, kind: 'prefers' },
      );
      expect(locations).to.deep.equal([
        `id="location-SMB-${other}-INFINITY" rsc="SMB" node="${other}" score="INFINITY"/>`,
      ]);
    });

    it('is refused if all nodes already have it', async () => {
      const both = { locations: [other, nodes.local, other], score: 5 };
      const { outcomes, locations } = await after('', both, both, {
        location: other,
        score: '+5',
        role: 'Started',
        'resource-discovery': 'always',
      });
      expect(outcomes).to.deep.equal([
        [200],
        [409, 'constraint_exists'],
        [409, 'constraint_exists'],
      ]);
      expect(locations).to.have.lengthOf(2);
    });

    it('leaves locations of the promoted role, by a rule or by a pattern', async () => {
      const present = `<rsc_location id="A" rsc="SMB" role="Promoted" node="${other}" score="5"/><rsc_location id="B" rsc="SMB"><rule id="B-rule" score="1"><expression id="B-1" attribute="#uname" operation="eq" value="${other}"/></rule></rsc_location><rsc_location id="C" rsc-pattern="SMB" node="${other}" score="1"/>`;
      const { locations } = await after(
        present,
        { location: other },
        { location: other, score: 2 },
      );
      expect(locations.map((each) => /id="([^"]*)"/.exec(each)?.[1])).to.deep.equal([
        'A',
        'B',
        `location-SMB-${other}-2`,
      ]);
    });
  });

  it('is refused if another constraint has its name, and that one stays', async () => {
    const present = `<rsc_location id="X" rsc="NFS" node="${other}" score="5"/>`;
    const cluster = fakeCluster(withConstraints(present));
    const { outcome } = await setInNewBench(
      'location',
      { name: 'X', resource: 'SMB', location: other },
      cluster,
    );
    expect(outcome).to.deep.equal([409, 'id_exists']);
    expect(cluster.cibChanges()).to.deep.equal([]);
  });

  it('has the name of the role that the schema of the CIB knows', async () => {
    const old = everythingCib.replace(/validate-with="[^"]*"/, 'validate-with="pacemaker-3.4"');
    const { cluster } = await setInNewBench(
      'ticket',
      { name: 'x', ticket: 'T', resource: 'Database-clone', role: 'Promoted' },
      fakeCluster(old),
    );
    expect(cluster.cibChanges()).to.deep.equal([
      '+ constraints: <rsc_ticket id="x" rsc="Database-clone" rsc-role="Master" ticket="T">',
    ]);
  });

  /** The CIB with everything, with these constraints in place of its own. */
  function withConstraints(xml: string): string {
    return everythingCib.replace(
      /<constraints>.*<\/constraints>/s,
      `<constraints>${xml}</constraints>`,
    );
  }

  it('is refused if any element has its name', async () => {
    const { cluster } = await set('ticket', { ticket: 'first', resource: 'SMB' });
    for (const name of ['startingNFS', 'ZFS', 'nodes-1-rack', 'o-set-1', 'Plain-monitor-10']) {
      const { outcome, cluster: same } = await setInNewBench(
        'ticket',
        { name, ticket: 'T', resource: 'SMB' },
        cluster,
      );
      expect(outcome, name).to.deep.equal([409, 'id_exists']);
      expect(same.cibChanges()).to.have.lengthOf(1);
    }
  });

  it('is refused for a resource in a clone or bundle, and the answer names the clone or bundle', async () => {
    for (const [inside, around] of [
      ['Everywhere', 'Everywhere-clone'],
      ['WebServer', 'Web-clone'],
      ['Queue', 'Queue-master'],
      ['InContainer', 'Container'],
    ] as const) {
      const { outcome, answer, cluster } = await setInNewBench('ticket', {
        ticket: 'T',
        resource: inside,
      });
      expect(outcome).to.deep.equal([422, 'constrain_the_clone']);
      expect(answer.body).to.have.property('detail').that.includes(`Constrain ${around} instead`);
      expect(cluster.changes()).to.deep.equal([]);
    }
  });

  it('may be for a group, a member of a group, or a clone itself', async () => {
    for (const resource of ['Files', 'Mount', 'Web-clone', 'Container', 'FromTemplate']) {
      expect(
        (await setInNewBench('ticket', { ticket: 'T', resource })).outcome,
        resource,
      ).to.deep.equal([200]);
    }
  });

  it('may be a location on a remote or guest node, but not on any other resource', async () => {
    for (const location of ['remote1', 'guest1']) {
      const cluster = fakeCluster(remoteNodesCib);
      const { outcome } = await setInNewBench('location', { resource: 'SMB', location }, cluster);
      expect(outcome).to.deep.equal([200]);
    }
    for (const location of ['VM', 'SMB']) {
      const { outcome } = await setInNewBench('location', { resource: 'SMB', location });
      expect(outcome).to.deep.equal([404, 'node_not_found']);
    }
  });

  it('is removed completely when it is deleted', async () => {
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

  /** A folder of its own, because the former bench has its token in the folder. */
  let again = 0;
  async function setInNewBench(type: string, body: object, cluster = fakeCluster(everythingCib)) {
    again += 1;
    const { call } = await changesBench(`${folder.path}/${again}`, { cluster });
    const answer = await call('POST', `constraint/${type}`, body);
    return { outcome: outcomeOf(answer), answer, cluster };
  }
});
