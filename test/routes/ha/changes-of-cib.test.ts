import { expect } from 'chai';

import { parseEditableXml, walk } from '../../../src/parsers/xml-edit.ts';
import {
  changesBench,
  everythingCib,
  type Method,
  nodes,
  outcomeOf,
  remoteNodesCib,
  storageCib,
} from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;
const pairOf = (id: string, name: string, value: string) =>
  `<nvpair id="${id}-${name}" name="${name}" value="${value}">`;

describe('the CIB after a change', () => {
  const folder = temporaryFolder();

  /** Each case has a CIB, a request, and the lines of cibChanges that it makes. */
  type Case = readonly [
    what: string,
    cib: string,
    method: Method,
    path: string,
    body: object,
    lines: readonly string[],
  ];

  const suites: Readonly<Record<string, readonly Case[]>> = {
    'when a resource is stopped:': [
      [
        'its target-role becomes Stopped',
        storageCib,
        'GET',
        'resource/ZFS/stop',
        {},
        [`+ ZFS-meta_attributes: ${pairOf('ZFS-meta_attributes', 'target-role', 'Stopped')}`],
      ],
      [
        'it gets meta attributes if it has none',
        everythingCib,
        'POST',
        'resource/Bare/stop',
        {},
        [
          '+ Bare: <meta_attributes id="Bare-meta_attributes">',
          `+ Bare-meta_attributes: ${pairOf('Bare-meta_attributes', 'target-role', 'Stopped')}`,
        ],
      ],
      [
        'a group itself gets the role, in place of another one',
        everythingCib,
        'GET',
        'resource/Files/stop',
        {},
        (() => {
          const id =
            /<nvpair id="([^"]+)" name="target-role" value="Started"/.exec(everythingCib)?.[1] ??
            '';
          const set =
            /<meta_attributes id="([^"]+)">\s*<nvpair id="[^"]+" name="target-role" value="Started"/.exec(
              everythingCib,
            )?.[1] ?? '';
          return [
            `- ${set}: <nvpair id="${id}" name="target-role" value="Started">`,
            `+ ${set}: <nvpair id="${id}" name="target-role" value="Stopped">`,
          ];
        })(),
      ],
      [
        'a clone itself gets the role',
        everythingCib,
        'GET',
        'resource/Web-clone/stop',
        {},
        [
          '+ Web-clone: <meta_attributes id="Web-clone-meta_attributes">',
          `+ Web-clone-meta_attributes: ${pairOf('Web-clone-meta_attributes', 'target-role', 'Stopped')}`,
        ],
      ],
    ],
    'when a node goes to standby or comes back:': [
      [
        'it gets node attributes if it has none',
        storageCib,
        'GET',
        `node/${local}/standby`,
        {},
        [
          '+ 2: <instance_attributes id="nodes-2">',
          `+ nodes-2: ${pairOf('nodes-2', 'standby', 'on')}`,
        ],
      ],
      [
        'an existing value is replaced',
        everythingCib,
        'GET',
        `node/${local}/standby`,
        {},
        [
          `- nodes-2: ${pairOf('nodes-2', 'standby', 'true')}`,
          `+ nodes-2: ${pairOf('nodes-2', 'standby', 'on')}`,
        ],
      ],
      [
        'online removes standby',
        everythingCib,
        'GET',
        `node/${local}/online`,
        {},
        [`- nodes-2: ${pairOf('nodes-2', 'standby', 'true')}`],
      ],
      [
        'online changes nothing on an online node',
        storageCib,
        'GET',
        `node/${local}/online`,
        {},
        [],
      ],
      [
        'maintenance is not set in a set with a rule',
        everythingCib,
        'POST',
        `node/${other}/maintenance`,
        {},
        [`+ nodes-1: ${pairOf('nodes-1', 'maintenance', 'on')}`],
      ],
      [
        'unmaintenance ends maintenance',
        everythingCib,
        'POST',
        `node/${local}/unmaintenance`,
        {},
        [`- nodes-2: ${pairOf('nodes-2', 'maintenance', 'true')}`],
      ],
      [
        'the first attribute of a guest node adds it to the list of nodes',
        remoteNodesCib,
        'GET',
        'node/guest1/standby',
        {},
        [
          '+ nodes: <node id="guest1" type="remote" uname="guest1">',
          '+ guest1: <instance_attributes id="nodes-guest1">',
          `+ nodes-guest1: ${pairOf('nodes-guest1', 'standby', 'on')}`,
        ],
      ],
    ],
    'when a property is set or deleted:': [
      [
        'it is in the set with the highest precedence',
        storageCib,
        'POST',
        'property/cluster-delay/set',
        { value: '90s' },
        [`+ cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'cluster-delay', '90s')}`],
      ],
      [
        'it is in no other set without a rule',
        everythingCib,
        'PUT',
        'property/batch-limit',
        { value: 7 },
        [
          `- cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'batch-limit', '20')}`,
          `- options-low: ${pairOf('options-low', 'batch-limit', '30')}`,
          `+ cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'batch-limit', '7')}`,
        ],
      ],
      [
        'the value may be a JSON boolean',
        storageCib,
        'POST',
        'property/stonith-enabled/set',
        { value: false },
        [
          `- cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'stonith-enabled', 'true')}`,
          `+ cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'stonith-enabled', 'false')}`,
        ],
      ],
      [
        'a deleted one is removed from each set without a rule',
        everythingCib,
        'GET',
        'property/batch-limit/delete',
        {},
        [
          `- cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'batch-limit', '20')}`,
          `- options-low: ${pairOf('options-low', 'batch-limit', '30')}`,
        ],
      ],
      [
        'a deleted one stays in a set with a rule',
        everythingCib,
        'DELETE',
        'property/shutdown-escalation',
        {},
        [
          '- options-low: <nvpair id="options-low-escalation" name="shutdown-escalation" value="21min">',
        ],
      ],
      [
        "deleting all of them leaves Pacemaker's own",
        storageCib,
        'GET',
        'property/delete_all',
        {},
        [`- cib-bootstrap-options: ${pairOf('cib-bootstrap-options', 'stonith-enabled', 'true')}`],
      ],
    ],
    'when a fencing level is made or deleted:': [
      [
        'a new level is added',
        storageCib,
        'POST',
        'stonith/level/create',
        { level: '3', node_name: other, stonith_name: 'failoverMeasure_ipmi_bitcoin' },
        [
          `+ fencing-topology: <fencing-level id="fl-${other}-3" target="${other}" index="3" devices="failoverMeasure_ipmi_bitcoin">`,
        ],
      ],
      [
        'a device is added to an existing level',
        storageCib,
        'POST',
        'stonith/level/create',
        { level: 1, node_name: other, stonith_name: 'failoverMeasure_timeout_bitcoin' },
        [
          `- fencing-topology: <fencing-level id="fl-${other}-1" target="${other}" index="1" devices="failoverMeasure_ipmi_bitcoin">`,
          `+ fencing-topology: <fencing-level id="fl-${other}-1" target="${other}" index="1" devices="failoverMeasure_ipmi_bitcoin,failoverMeasure_timeout_bitcoin">`,
        ],
      ],
      [
        'the level is removed with its last device',
        storageCib,
        'POST',
        'stonith/level/2/delete',
        { node_name: other, stonith_name: 'failoverMeasure_timeout_bitcoin' },
        [
          `- fencing-topology: <fencing-level id="fl-${other}-2" target="${other}" index="2" devices="failoverMeasure_timeout_bitcoin">`,
        ],
      ],
      [
        'the level keeps its other devices',
        storageCib.replace(
          'devices="failoverMeasure_ipmi_bitcoin"',
          'devices="failoverMeasure_ipmi_bitcoin,x"',
        ),
        'DELETE',
        'stonith/level/1',
        { node_name: other, stonith_name: 'failoverMeasure_ipmi_bitcoin' },
        [
          `- fencing-topology: <fencing-level id="fl-${other}-1" target="${other}" index="1" devices="failoverMeasure_ipmi_bitcoin,x">`,
          `+ fencing-topology: <fencing-level id="fl-${other}-1" target="${other}" index="1" devices="x">`,
        ],
      ],
    ],
    'when a resource is banned, or bans are cleared:': [
      [
        'the ban is a constraint like that of crm_resource',
        storageCib,
        'POST',
        'resource/SMB/ban',
        { node: other },
        [
          `+ constraints: <rsc_location id="cli-ban-SMB-on-${other}" rsc="SMB" role="Started" node="${other}" score="-INFINITY">`,
        ],
      ],
    ],
    'when meta attributes of a fence device are updated:': [
      [
        'they are set or removed',
        everythingCib,
        'PATCH',
        'stonith/fence-secret',
        { meta: { provides: '', priority: 3 } },
        (() => {
          const [, set = '', pair = ''] =
            /<meta_attributes id="([^"]+)">\s*(<nvpair [^>]*name="provides"[^>]*)\/>/.exec(
              everythingCib,
            ) ?? [];
          return [
            `- ${set}: ${pair}>`,
            `+ ${set}: <nvpair id="${set}-priority" name="priority" value="3">`,
          ];
        })(),
      ],
    ],
  };
  for (const [when, cases] of Object.entries(suites)) {
    describe(when, () => {
      for (const [what, cib, method, path, body, lines] of cases) {
        it(what, async () => {
          const cluster = fakeCluster(cib);
          const { call } = await changesBench(folder.path, { cluster });
          expect(outcomeOf(await call(method, path, body))).to.deep.equal([200]);
          expect(cluster.cibChanges()).to.deep.equal(lines);
        });
      }
    });
  }

  describe('when a resource is started:', () => {
    const start = async (name: string, stopped: readonly string[]) => {
      const cluster = fakeCluster(everythingCib);
      const { call } = await changesBench(folder.path, { cluster });
      for (const each of stopped) await call('GET', `resource/${each}/stop`);
      expect((await call('GET', `resource/${name}/start`)).status).to.equal(200);
      return { left: stopped.filter((each) => hasRoleStopped(cluster.xml(), each)) };
    };

    it('it loses its target-role Stopped, and so does a clone around it', async () => {
      expect(
        (await start('Everywhere', ['Everywhere', 'Everywhere-clone', 'ZFS'])).left,
      ).to.deep.equal(['ZFS']);
    });

    it('a clone and its direct child lose their target-role Stopped', async () => {
      expect((await start('Web-clone', ['Web-clone', 'Web', 'WebServer'])).left).to.deep.equal([
        'WebServer',
      ]);
    });

    it('a group is started, but its stopped members stay stopped', async () => {
      expect((await start('OneOnly', ['OneOnly', 'Alone'])).left).to.deep.equal(['Alone']);
    });

    it('a member of a group is started, but its stopped group stays stopped', async () => {
      expect((await start('Alone', ['OneOnly', 'Alone'])).left).to.deep.equal(['OneOnly']);
    });
  });

  describe('when bans are made or cleared:', () => {
    let cleared = 0;
    async function banned() {
      const { call, cluster } = await changesBench(folder.path);
      for (const [name, node] of [
        ['SMB', local],
        ['SMB', other],
        ['ZFS', other],
      ] as const) {
        await call('POST', `resource/${name}/ban`, { node });
      }
      const bans = () => [...cluster.xml().matchAll(/id="(cli-ban-[^"]+)"/g)].map(([, id]) => id);
      return { call, bans, cluster };
    }

    it('those of the resource on all nodes are removed', async () => {
      const { call, bans } = await banned();
      expect(bans()).to.have.lengthOf(3);
      await call('POST', 'resource/SMB/clear');
      expect(bans()).to.deep.equal([`cli-ban-ZFS-on-${other}`]);
    });

    it('only those on the node are removed, if one is named', async () => {
      const { call, bans } = await banned();
      await call('POST', 'resource/SMB/clear', { node: local });
      expect(bans()).to.deep.equal([`cli-ban-SMB-on-${other}`, `cli-ban-ZFS-on-${other}`]);
    });

    it('other constraints stay', async () => {
      const { call, cluster } = await banned();
      await call('POST', 'constraint/location', { resource: 'SMB', location: local });
      await call('POST', 'resource/SMB/clear');
      expect(cluster.xml()).to.include(`id="location-SMB-${local}-INFINITY"`);
    });

    it('those of crm_resource are removed, even with a lifetime, and those written by hand stay', async () => {
      const rule = (id: string, ruleId: string, node: string) =>
        `<rsc_location id="${id}" rsc="SMB" role="Started"><rule id="${ruleId}" score="INFINITY" boolean-op="and"><expression id="${id}-expr" attribute="#uname" operation="eq" value="${node}"/><date_expression id="${id}-end" operation="lt" end="2199-01-01"/></rule></rsc_location>`;
      const plain = (id: string, rsc: string, node: string) =>
        `<rsc_location id="${id}" rsc="${rsc}" node="${node}" score="5"/>`;
      const written = [
        plain('cli-ban-SMB-by-hand', 'SMB', local),
        plain('cli-prefer-SMB-2', 'SMB', local),
        plain(`cli-ban-SMB-on-${other}-1`, 'SMB', other),
        rule('cli-prefer-NFS', 'mine', local),
      ];
      const made = [
        // The resource was cloned later.
        plain(`cli-ban-SMB-on-${local}`, 'SMB-clone', local),
        rule(`cli-ban-SMB-on-${other}`, `cli-ban-SMB-on-${other}-rule`, other),
        plain('cli-ban-SMB-on-gone', 'SMB', 'gone'),
        rule('cli-prefer-SMB', 'cli-prefer-rule-SMB', local),
      ];
      const left = async (name: string, body: object) => {
        const xml = [...written, ...made].join('');
        const cluster = fakeCluster(storageCib.replace('</constraints>', `${xml}</constraints>`));
        cleared += 1;
        const { call } = await changesBench(`${folder.path}/${cleared}`, { cluster });
        const answer = await call('POST', `resource/${name}/clear`, body);
        const ids = cluster.xml().match(/(?<=<rsc_location id=")cli-[^"]*/g);
        return [answer.status, ids?.filter((id) => id !== 'cli-prefer-NFS')];
      };
      const hand = ['cli-ban-SMB-by-hand', 'cli-prefer-SMB-2', `cli-ban-SMB-on-${other}-1`];
      const [mine, theirs, gone] = [local, other, 'gone'].map((node) => `cli-ban-SMB-on-${node}`);
      const prefer = 'cli-prefer-SMB';
      expect(await left('SMB', {})).to.deep.equal([200, hand]);
      expect(await left('SMB', { node: local })).to.deep.equal([200, [...hand, theirs, gone]]);
      expect(await left('SMB', { node: other })).to.deep.equal([
        200,
        [...hand, mine, gone, prefer],
      ]);
      expect(await left('SMB', { node: 'gone' })).to.deep.equal([
        200,
        [...hand, mine, theirs, prefer],
      ]);
      const all = [...hand, mine, theirs, gone, prefer];
      expect(await left('SMB', { node: 'unknown' })).to.deep.equal([404, all]);
      expect(await left('NFS', {})).to.deep.equal([200, all]);
    });

    it('an existing ban stays as it is', async () => {
      const { call, bans } = await banned();
      const former = bans();
      await call('POST', 'resource/SMB/ban', { node: local });
      expect(bans()).to.deep.equal(former);
    });

    it('a repeated ban adds no second one, even if the name of the node is no XML id', async () => {
      const cluster = fakeCluster(storageCib.replaceAll(`uname="${other}"`, 'uname="fe80::1"'));
      const { call } = await changesBench(folder.path, { cluster });
      for (let times = 0; times < 2; times += 1) {
        await call('POST', 'resource/SMB/ban', { node: 'fe80::1' });
      }
      expect(cluster.xml().match(/cli-ban-/g)).to.have.lengthOf(1);
      expect(cluster.xml()).to.include('id="cli-ban-SMB-on-fe80..1"');
    });
  });

  it('is unchanged when the device is already in the level, or is removed from a level without it', async () => {
    const { call, cluster } = await changesBench(folder.path);
    const device = { node_name: other, stonith_name: 'failoverMeasure_ipmi_bitcoin' };
    const again = await call('POST', 'stonith/level/create', { level: 1, ...device });
    expect(outcomeOf(again)).to.deep.equal([409, 'level_exists']);
    expect(outcomeOf(await call('DELETE', 'stonith/level/2', device))).to.deep.equal([
      404,
      'level_not_found',
    ]);
    expect(cluster.changes()).to.deep.equal([]);
  });

  it("is unchanged when a property is Pacemaker's own or not set, or does not take the value", async () => {
    const { call, cluster } = await changesBench(folder.path);
    for (const [name, value, outcome] of [
      ['dc-version', '1', [422, 'property_is_pacemakers']],
      ['no-such-option', '1', [404, 'property_not_found']],
      ['toString', '1', [404, 'property_not_found']],
      ['stonith-enabled', 'maybe', [422, 'value_not_allowed']],
      ['cluster-delay', '-5 parsecs', [422, 'value_not_allowed']],
      ['batch-limit', '1.5', [422, 'value_not_allowed']],
      ['load-threshold', '80', [422, 'value_not_allowed']],
      ['no-quorum-policy', 'panic', [422, 'value_not_allowed']],
    ] as const) {
      const answer = await call('PUT', `property/${name}`, { value });
      expect(outcomeOf(answer), `${name} ${value}`).to.deep.equal(outcome);
    }
    expect(outcomeOf(await call('GET', 'property/have-watchdog/delete'))).to.deep.equal([
      422,
      'property_is_pacemakers',
    ]);
    expect(outcomeOf(await call('GET', 'property/batch-limit/delete'))).to.deep.equal([
      404,
      'property_not_set',
    ]);
    expect(cluster.changes()).to.deep.equal([]);
  });

  for (const [name, value] of [
    ['stonith-enabled', 'no'],
    ['cluster-delay', '5min'],
    ['cluster-delay', 'PT5M'],
    ['batch-limit', '-INFINITY'],
    ['batch-limit', -3],
    ['load-threshold', '100%'],
    ['no-quorum-policy', 'freeze'],
  ] as const) {
    it(`may have ${value} as ${name}`, async () => {
      const { call, cluster } = await changesBench(folder.path);
      expect((await call('PUT', `property/${name}`, { value })).status).to.equal(200);
      expect(cluster.cib().properties.pairs).to.include({ [name]: String(value) });
    });
  }
});

function hasRoleStopped(xml: string, id: string): boolean {
  const found = [...walk(parseEditableXml(xml))].find(
    ({ element }) => element.attributes['id'] === id,
  );
  return (found?.element.children ?? [])
    .flatMap(({ children }) => children)
    .some(({ attributes: { name, value } }) => name === 'target-role' && value === 'Stopped');
}
