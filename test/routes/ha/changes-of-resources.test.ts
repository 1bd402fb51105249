import { readdir } from 'node:fs/promises';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import {
  changesBench,
  everythingCib,
  type Method,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

// test/system/edits.ts shows that pcs makes the same.

const device = 'failoverMeasure_ipmi_bitcoin';

const primitive = (id: string): string =>
  `<primitive id="${id}" class="ocf" provider="pacemaker" type="Dummy"/>`;
/** A CIB with everything that can contain a resource. */
const groupedCib = storageCib.replace(
  '</resources>',
  [
    `<group id="G">${primitive('G1')}${primitive('G2')}</group>`,
    `<clone id="C-clone">${primitive('C')}</clone>`,
    `<clone id="CG-clone"><group id="CG">${primitive('CG1')}${primitive('CG2')}</group></clone>`,
    `<bundle id="B"><docker image="x"/>${primitive('InB')}</bundle></resources>`,
  ].join(''),
);

const dummy = { name: 'A', resource_agent: 'ocf:pacemaker:Dummy' };
const primitiveA = '<primitive id="A" class="ocf" provider="pacemaker" type="Dummy">';

/** The operations that the agent proposes, except the named ones. */
function proposed(...others: readonly string[]): string[] {
  const all = {
    migrate_from: '0s',
    migrate_to: '0s',
    monitor: '10s',
    reload: '0s',
    'reload-agent': '0s',
    start: '0s',
    stop: '0s',
  };
  return Object.entries(all)
    .filter(([name]) => !others.includes(name))
    .map(
      ([name, interval]) =>
        `+ operations: <op id="A-${name}-interval-${interval}" name="${name}" interval="${interval}" timeout="20s">`,
    );
}

const pair = (setId: string, name: string, value: string): string =>
  `${setId}: <nvpair id="${setId}-${name}" name="${name}" value="${value}">`;

/** The output of crm_mon while SMB does not stop. */
const stillRunning = {
  exitCode: 0,
  stdout: `<crm_mon version="2"><nodes/><resources><resource id="SMB" role="Started"><node name="${nodes.other}"/></resource></resources></crm_mon>`,
  stderr: '',
};

describe('changes of resources', () => {
  const folder = temporaryFolder();
  const bench = (cib = groupedCib) => changesBench(folder.path, { cluster: fakeCluster(cib) });

  const cases: readonly [
    what: string,
    method: Method,
    path: string,
    body: object,
    changes: readonly string[],
  ][] = [
    [
      'create one with the operations that its agent proposes',
      'POST',
      'resource',
      dummy,
      [`+ resources: ${primitiveA}`, '+ A: <operations>', ...proposed()],
    ],
    [
      'create one with everything that is sent, and options without a name for the monitor',
      'POST',
      'resource',
      {
        ...dummy,
        params: { state: '/run/<a>; reboot', fake: 5 },
        meta: { 'is-managed': true, gone: null },
        operations: { interval: '30s', timeout: '', 'on-fail': 'Stop' },
      },
      [
        `+ resources: ${primitiveA}`,
        '+ A: <instance_attributes id="A-instance_attributes">',
        `+ ${pair('A-instance_attributes', 'fake', '5')}`,
        `+ ${pair('A-instance_attributes', 'state', '/run/<a>; reboot')}`,
        '+ A: <meta_attributes id="A-meta_attributes">',
        `+ ${pair('A-meta_attributes', 'is-managed', 'true')}`,
        '+ A: <operations>',
        '+ operations: <op id="A-monitor-interval-30s" name="monitor" interval="30s" on-fail="stop">',
        ...proposed('monitor'),
      ],
    ],
    [
      'create a clone with several operations of one name',
      'POST',
      'resource',
      {
        ...dummy,
        operations: {
          monitor: [
            { interval: '10s', OCF_CHECK_LEVEL: 10 },
            { interval: '20s', role: 'Master' },
          ],
        },
        clone: true,
      },
      [
        '+ resources: <clone id="A-clone">',
        `+ A-clone: ${primitiveA}`,
        '+ A: <operations>',
        '+ operations: <op id="A-monitor-interval-10s" name="monitor" interval="10s">',
        '+ A-monitor-interval-10s: <instance_attributes id="A-monitor-interval-10s-instance_attributes">',
        `+ ${pair('A-monitor-interval-10s-instance_attributes', 'OCF_CHECK_LEVEL', '10')}`,
        '+ operations: <op id="A-monitor-interval-20s" name="monitor" interval="20s" role="Promoted">',
        ...proposed('monitor'),
      ],
    ],
    [
      'create a clone with options',
      'POST',
      'resource',
      { ...dummy, clone: { interleave: true } },
      [
        '+ resources: <clone id="A-clone">',
        '+ A-clone: <meta_attributes id="A-clone-meta_attributes">',
        `+ ${pair('A-clone-meta_attributes', 'interleave', 'true')}`,
        `+ A-clone: ${primitiveA}`,
        '+ A: <operations>',
        ...proposed(),
      ],
    ],
    [
      'create one of a systemd unit, and no clone if clone is false',
      'POST',
      'resource',
      { name: 'A', resource_agent: 'systemd:smbd', clone: false },
      [
        '+ resources: <primitive id="A" class="systemd" type="smbd">',
        '+ A: <operations>',
        '+ operations: <op id="A-monitor-interval-60" name="monitor" interval="60" timeout="100">',
        '+ operations: <op id="A-start-interval-0s" name="start" interval="0s" timeout="100">',
        '+ operations: <op id="A-stop-interval-0s" name="stop" interval="0s" timeout="100">',
      ],
    ],
    [
      'update one: an empty value removes a pair, and an operation replaces the one of its name',
      'PATCH',
      'resource/VIP_mgmt0',
      {
        params: { nic: 'eth1', iflabel: 'a', cidr_netmask: '' },
        meta: { 'resource-stickiness': null, priority: 1 },
        operations: { monitor: { interval: '30s' } },
      },
      [
        `- ${pair('VIP_mgmt0-instance_attributes', 'cidr_netmask', '24')}`,
        `- ${pair('VIP_mgmt0-instance_attributes', 'nic', 'mgmt0')}`,
        `- ${pair('VIP_mgmt0-meta_attributes', 'resource-stickiness', '100')}`,
        '- operations: <op id="VIP_mgmt0-monitor-interval-10s" name="monitor" interval="10s" timeout="20s">',
        `+ ${pair('VIP_mgmt0-instance_attributes', 'nic', 'eth1')}`,
        `+ ${pair('VIP_mgmt0-instance_attributes', 'iflabel', 'a')}`,
        `+ ${pair('VIP_mgmt0-meta_attributes', 'priority', '1')}`,
        '+ operations: <op id="VIP_mgmt0-monitor-interval-30s" name="monitor" interval="30s">',
      ],
    ],
    [
      'update a clone, which has only meta attributes',
      'PATCH',
      'resource/C-clone',
      { meta: { 'clone-max': 2 } },
      [
        '+ C-clone: <meta_attributes id="C-clone-meta_attributes">',
        `+ ${pair('C-clone-meta_attributes', 'clone-max', '2')}`,
      ],
    ],
    [
      'unmanage every resource in a clone',
      'POST',
      'resource/CG-clone/unmanage',
      {},
      ['CG1', 'CG2'].flatMap((id) => [
        `+ ${id}: <meta_attributes id="${id}-meta_attributes">`,
        `+ ${pair(`${id}-meta_attributes`, 'is-managed', 'false')}`,
      ]),
    ],
    [
      'clone one under a new name, which its constraints get too',
      'POST',
      'resource/NFS/clone',
      { clone_name: 'N', meta: { 'clone-max': 2 } },
      [
        '- resources: <primitive id="NFS" class="ocf" provider="pacemaker" type="Dummy">',
        '- constraints: <rsc_order id="startingNFS" first="ZFS" first-action="start" then="NFS" then-action="start" kind="Mandatory">',
        '- constraints: <rsc_order id="stoppingNFS" first="NFS" first-action="stop" then="ZFS" then-action="stop" kind="Mandatory">',
        '+ resources: <clone id="N">',
        '+ N: <meta_attributes id="N-meta_attributes">',
        `+ ${pair('N-meta_attributes', 'clone-max', '2')}`,
        '+ N: <primitive id="NFS" class="ocf" provider="pacemaker" type="Dummy">',
        '+ constraints: <rsc_order id="startingNFS" first="ZFS" first-action="start" then="N" then-action="start" kind="Mandatory">',
        '+ constraints: <rsc_order id="stoppingNFS" first="N" first-action="stop" then="ZFS" then-action="stop" kind="Mandatory">',
      ],
    ],
    [
      'unclone one',
      'POST',
      'resource/C/unclone',
      {},
      [
        '- resources: <clone id="C-clone">',
        '- C-clone: <primitive id="C" class="ocf" provider="pacemaker" type="Dummy">',
        '+ resources: <primitive id="C" class="ocf" provider="pacemaker" type="Dummy">',
      ],
    ],
    [
      'make a group',
      'POST',
      'resource/group/set',
      { groupName: 'H', resources: ['Alphorn'] },
      [
        '- resources: <primitive id="Alphorn" class="ocf" provider="pacemaker" type="Dummy">',
        '+ resources: <group id="H">',
        '+ H: <primitive id="Alphorn" class="ocf" provider="pacemaker" type="Dummy">',
      ],
    ],
    [
      'remove one from a group',
      'POST',
      'resource/group/remove',
      { groupName: 'G', resources: ['G2'] },
      [
        '- G: <primitive id="G2" class="ocf" provider="pacemaker" type="Dummy">',
        '+ resources: <primitive id="G2" class="ocf" provider="pacemaker" type="Dummy">',
      ],
    ],
    [
      'dissolve a group',
      'DELETE',
      'resource/group/G',
      {},
      [
        '- resources: <group id="G">',
        '- G: <primitive id="G1" class="ocf" provider="pacemaker" type="Dummy">',
        '- G: <primitive id="G2" class="ocf" provider="pacemaker" type="Dummy">',
        '+ resources: <primitive id="G1" class="ocf" provider="pacemaker" type="Dummy">',
        '+ resources: <primitive id="G2" class="ocf" provider="pacemaker" type="Dummy">',
      ],
    ],
    [
      'create a fence device with no operation except the monitor',
      'POST',
      'stonith/create',
      { name: 'F', agent: 'stonith:fence_ipmilan', params: { ip: 1 }, meta: { priority: 3 } },
      [
        '+ resources: <primitive id="F" class="stonith" type="fence_ipmilan">',
        '+ F: <instance_attributes id="F-instance_attributes">',
        `+ ${pair('F-instance_attributes', 'ip', '1')}`,
        '+ F: <meta_attributes id="F-meta_attributes">',
        `+ ${pair('F-meta_attributes', 'priority', '3')}`,
        '+ F: <operations>',
        '+ operations: <op id="F-monitor-interval-60s" name="monitor" interval="60s">',
      ],
    ],
    [
      'update a fence device, including parameters of the fencer itself',
      'POST',
      `stonith/${device}/update`,
      { params: { delay: 3, pcmk_delay_max: '5s' } },
      [
        `+ ${pair(`${device}-instance_attributes`, 'delay', '3')}`,
        `+ ${pair(`${device}-instance_attributes`, 'pcmk_delay_max', '5s')}`,
      ],
    ],
  ];
  for (const [what, method, path, body, changes] of cases) {
    it(what, async () => {
      const { call, cluster } = await bench();
      const { status, text } = await call(method, path, body);
      expect(status, text).to.equal(200);
      expect(cluster.cibChanges()).to.have.members(changes);
      // pcs takes longer to start than the whole change.
      expect(cluster.calls.filter(([tool]) => tool === 'pcs')).to.deep.equal([]);
    });
  }

  it('put resources into a group at the requested position', async () => {
    for (const [position, resource, expected] of [
      ['before', 'G1', ['SMB', 'NFS', 'G1', 'G2']],
      ['after', 'G1', ['G1', 'SMB', 'NFS', 'G2']],
      ['after', 'G2', ['G1', 'G2', 'SMB', 'NFS']],
    ] as const) {
      const cluster = fakeCluster(groupedCib);
      const path = `${folder.path}/${position}-${resource}`;
      const { call } = await changesBench(path, { cluster });
      const order = { position, resource };
      const body = { groupName: 'G', resources: ['SMB', 'NFS'], order };
      expect((await call('POST', 'resource/group/set', body)).status).to.equal(200);
      const group = /<group id="G">.*?<\/group>/s.exec(cluster.xml())?.[0] ?? '';
      const ids = [...group.matchAll(/<primitive id="(\w+)"/g)].map(([, id]) => id);
      expect(ids, `${position} ${resource}`).to.deep.equal(expected);
    }
  });

  it('change nothing if everything is as requested', async () => {
    const { call, cluster } = await bench(everythingCib);
    const group = { groupName: 'Files', resources: ['Export', 'Mount'] };
    expect((await call('POST', 'resource/group/set', group)).body).to.deep.equal(group);
    expect((await call('PATCH', 'resource/SMB', {})).status).to.equal(200);
    expect((await call('POST', 'resource/SMB/manage', {})).status).to.equal(200);
    expect(cluster.cibs).to.have.lengthOf(1);
  });

  describe('that would leave a group empty that others refer to', () => {
    const location = '<rsc_location id="L" rsc="G" node="x" score="5"/>';
    const order = '<rsc_order id="O" first="SMB" then="G"/>';
    const unrelated = '<rsc_order id="P" first="SMB" then="G1"/>';
    const tags = '<tags><tag id="T"><obj_ref id="G"/><obj_ref id="SMB"/></tag></tags>';
    const withReferences = (members: string) =>
      storageCib
        .replace('</resources>', `<group id="G">${members}</group></resources>`)
        .replace('</constraints>', `${location}${order}${unrelated}</constraints>${tags}`);

    it('remove the references with the group when it is dissolved', async () => {
      const cluster = fakeCluster(withReferences(primitive('G1') + primitive('G2')));
      const { call } = await changesBench(folder.path, { cluster });
      expect((await call('DELETE', 'resource/group/G', {})).status).to.equal(200);
      const xml = cluster.xml();
      for (const gone of ['id="G"', 'id="L"', 'id="O"', '="G"']) expect(xml).not.to.include(gone);
      for (const left of ['id="G1"', 'id="G2"', 'id="P"', 'id="T"', '<obj_ref id="SMB"']) {
        expect(xml).to.include(left);
      }
    });

    it('are refused when the last resource is put into another group', async () => {
      const cluster = fakeCluster(withReferences(primitive('G1')));
      const { call } = await changesBench(folder.path, { cluster });
      const before = cluster.xml();
      const answer = await call('POST', 'resource/group/set', {
        groupName: 'H',
        resources: ['G1'],
      });
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
      expect(JSON.stringify(answer.body)).to.include(
        'G1 is the last resource in G, and something else in the configuration refers to G. Dissolve G first.',
      );
      expect(cluster.xml()).to.equal(before);
    });
  });

  it("read an agent's metadata once", async () => {
    const { call, cluster } = await bench();
    await call('POST', 'resource', dummy);
    await call('POST', 'resource', { ...dummy, name: 'B' });
    const asked = cluster.calls.filter((argv) => argv.includes('--show-metadata'));
    expect(asked).to.deep.equal([['crm_resource', '--show-metadata', 'ocf:pacemaker:Dummy']]);
  });

  it('warn of deprecated parameters, and of resources that are managed without a monitor', async () => {
    const cib = groupedCib.replace(
      primitive('G1'),
      `${primitive('G1').slice(0, -2)}><meta_attributes id="m"><nvpair id="n" name="is-managed" value="false"/></meta_attributes><operations><op id="o" name="monitor" interval="1s" enabled="off"/></operations></primitive>`,
    );
    const { call } = await bench(cib);
    const body = { name: 'F', agent: 'fence_ipmilan', params: { ipaddr: '192.0.2.1' } };
    const created = await call('POST', 'stonith/create', body);
    expect([created.status, created.headers['x-ha-warnings']]).to.deep.equal([
      200,
      '199 ha-agent "The parameter ipaddr of fence_ipmilan is deprecated; use ip."',
    ]);
    const managed = await call('POST', 'resource/G/manage', {});
    expect([managed.status, managed.headers['x-ha-warnings']]).to.deep.equal([
      200,
      '199 ha-agent "G1 is managed, but none of its monitors is enabled."',
    ]);
  });

  describe('are refused with all reasons in one answer, and change nothing:', () => {
    const refused: readonly [method: Method, path: string, body: object, reasons: string][] = [
      [
        'POST',
        'resource',
        {
          ...dummy,
          params: { nonsense: 1, fake: null },
          operations: { promote: { interval: '1s' } },
        },
        'The parameter fake must not be empty. Dummy takes no parameter nonsense. It takes envfile, fail_start_on, fake, op_sleep, passwd, state, trace_file, trace_ra. Dummy has no operation promote. It has start, stop, monitor, reload, reload-agent, migrate_to, migrate_from, validate-all, meta-data.',
      ],
      [
        'POST',
        'resource',
        { name: 'A', resource_agent: 'ocf:heartbeat:IPaddr2' },
        'IPaddr2 needs the parameter ip.',
      ],
      [
        'POST',
        'resource',
        { ...dummy, operations: { monitor: [{ interval: '60' }, { interval: '1min' }] } },
        'Two operations monitor have the same interval (60, 1min). Pacemaker distinguishes them by their intervals, so give each another one.',
      ],
      [
        'POST',
        'resource',
        { ...dummy, operations: { monitor: { timeout: 'long', nonsense: 1 } } },
        'The operation monitor needs a time as timeout, such as "30s" or "5min". The operation monitor takes no option nonsense; it takes id,',
      ],
      [
        'POST',
        'resource',
        { ...dummy, resource_agent: 'Dummy' },
        "There are several agents 'Dummy': ocf:heartbeat:Dummy, ocf:pacemaker:Dummy.",
      ],
      [
        'POST',
        'resource',
        { ...dummy, clone: { promotable: true } },
        'A clone of A cannot be promotable: ocf:pacemaker:Dummy does not support that.',
      ],
      ['POST', 'resource', { ...dummy, meta: { 'remote-node': 'x' } }, 'add-guest'],
      ['PATCH', 'resource/SMB', { params: { nonsense: 1 } }, 'Dummy takes no parameter nonsense.'],
      ['PATCH', 'resource/VIP_mgmt0', { params: { ip: '' } }, 'IPaddr2 needs the parameter ip.'],
      [
        'PATCH',
        'resource/G',
        { params: { fake: 1 } },
        'G is a group, which has only meta attributes',
      ],
      ['POST', 'resource/C/clone', {}, 'C is in the clone C-clone already.'],
      ['POST', 'resource/CG1/clone', {}, 'CG1 is in the clone CG-clone already.'],
      ['POST', 'resource/B/clone', {}, 'B is a bundle; only a resource or a group'],
      ['POST', `resource/${device}/clone`, {}, `${device} is a fence device`],
      ['POST', 'resource/SMB/unclone', {}, 'SMB is not a clone, and not in one.'],
      [
        'POST',
        'resource/group/set',
        { groupName: 'G', resources: ['C'] },
        'C is in the clone C-clone, which it cannot leave.',
      ],
      [
        'POST',
        'resource/group/set',
        { groupName: 'G', resources: [device] },
        `${device} is a fence device, which cannot be in a group.`,
      ],
      [
        'POST',
        'resource/group/set',
        { groupName: 'G', resources: ['SMB'], order: { position: 'after', resource: 'NFS' } },
        'NFS is not in the group G',
      ],
      [
        'POST',
        'resource/group/remove',
        { groupName: 'G', resources: ['SMB'] },
        'SMB is not in the group G.',
      ],
      ['DELETE', 'resource/group/CG', {}, 'CG is cloned, and only one of its resources'],
      [
        'POST',
        'stonith/create',
        { name: 'F', agent: 'fence_ipmilan', params: { ip: '1', action: 'off' } },
        'use pcmk_off_action and pcmk_reboot_action instead of action.',
      ],
    ];
    for (const [method, path, body, reasons] of refused) {
      it(`${method} ${path} ${JSON.stringify(body)}`, async () => {
        const { call, cluster } = await bench();
        const answer = await call(method, path, body);
        expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
        const { detail } = answer.body as { detail: string };
        expect(detail).to.include(reasons);
        expect(detail).to.match(/Nothing was (?:changed|done)\.$/);
        expect(cluster.changes()).to.deep.equal([]);
      });
    }

    it('if another resource has the same value of a unique parameter', async () => {
      const { call, cluster } = await bench();
      const ofDevice = {
        name: 'A',
        resource_agent: 'ocf:pacemaker:Dummy',
        params: { state: '/x' },
      };
      expect((await call('POST', 'resource', ofDevice)).status).to.equal(200);
      const again = await call('POST', 'resource', { ...ofDevice, name: 'A2' });
      expect(outcomeOf(again)).to.deep.equal([422, 'cluster_refused']);
      expect((again.body as { detail: string }).detail).to.include(
        'A has the same state, which has to differ between resources of Dummy.',
      );
      expect(cluster.cibs).to.have.lengthOf(2);
    });
  });

  it('leave no file behind, made or refused', async () => {
    const { call } = await bench();
    await call('POST', 'resource', dummy);
    await call('POST', 'resource', { ...dummy, name: 'A2', params: { nonsense: 1 } });
    const names = await readdir(folder.path);
    expect(names.filter((name) => name.startsWith('change-'))).to.deep.equal([]);
  });

  it('let a resource run again after its restart was given up', async () => {
    for (const [fault, changes] of [
      ['tool_timeout', []],
      // crm_resource itself undoes the stop, unless it was killed.
      ['cluster_refused', [`+ ${pair('SMB-meta_attributes', 'target-role', 'Stopped')}`]],
    ] as const) {
      const cluster = fakeCluster(groupedCib);
      const { call } = await changesBench(`${folder.path}/${fault}`, { cluster });
      cluster.answers.set('crm_resource', ({ argv }) => {
        if (!argv.includes('--restart')) return undefined;
        const nvpair =
          '<nvpair id="SMB-meta_attributes-target-role" name="target-role" value="Stopped"/>';
        cluster.cibs.push(cluster.xml().replace('id="SMB-meta_attributes">', `$&${nvpair}`));
        throw new Fault(fault, 'No.');
      });
      expect((await call('POST', 'resource/SMB/restart')).body).to.include({ code: fault });
      expect(cluster.cibChanges()).to.deep.equal(changes);
    }
  });

  describe('to delete', () => {
    it('stop the resource first, wait, and then remove it with everything that refers to it', async () => {
      const { call, cluster } = await bench();
      const { status, text } = await call('GET', 'resource/SMB/delete');
      expect([status, text]).to.deep.equal([200, '"Attempting to stop: SMB... Stopped\\n"']);
      expect(cluster.cibs[1]).to.include('id="SMB-meta_attributes-target-role"');
      const started = cluster.calls.map((argv) => argv.slice(0, 2).join(' '));
      const steps = ['crm_simulate --simulate', 'cibadmin --patch', 'crm_resource --wait'];
      expect(started.filter((line) => steps.includes(line))).to.deep.equal([
        ...steps,
        'cibadmin --patch',
      ]);
      expect(cluster.xml()).not.to.match(/"SMB"/);
      expect(cluster.cib().constraints.map(({ id }) => id)).not.to.include('startingSMB');
    });

    it('also remove a group or clone that becomes empty', async () => {
      const { call, cluster } = await bench(
        groupedCib.replace(
          '</constraints>',
          '<rsc_order id="o"><resource_set id="s"><resource_ref id="C-clone"/></resource_set></rsc_order></constraints><tags><tag id="T"><obj_ref id="C"/></tag></tags><acls><acl_role id="r"><acl_permission id="p" kind="read" reference="C"/></acl_role></acls>',
        ),
      );
      expect((await call('DELETE', 'resource/C')).status).to.equal(200);
      expect(cluster.cibChanges()).to.deep.equal([
        '- resources: <clone id="C-clone">',
        '- C-clone: <primitive id="C" class="ocf" provider="pacemaker" type="Dummy">',
        '- constraints: <rsc_order id="o">',
        '- o: <resource_set id="s">',
        '- s: <resource_ref id="C-clone">',
        '- tags: <tag id="T">',
        '- T: <obj_ref id="C">',
        '- r: <acl_permission id="p" kind="read" reference="C">',
      ]);
    });

    it('remove a fence device from its levels', async () => {
      const { call, cluster } = await bench();
      expect((await call('DELETE', `stonith/${device}`)).status).to.equal(200);
      expect(cluster.xml()).not.to.include(device);
    });

    it('fail while the resource still runs, and let it run as before', async () => {
      for (const [index, cib] of [
        groupedCib,
        groupedCib.replace(
          'id="SMB-meta_attributes">',
          'id="SMB-meta_attributes"><nvpair id="SMB-role" name="target-role" value="Started"/>',
        ),
        groupedCib.replace(
          /(<primitive id="SMB"[^>]*>)\s*<meta_attributes.*?<\/meta_attributes>/s,
          '$1',
        ),
      ].entries()) {
        const cluster = fakeCluster(cib);
        const { call } = await changesBench(`${folder.path}/${index}`, { cluster });
        cluster.answers.set('crm_mon', () => stillRunning);
        const answer = await call('DELETE', 'resource/SMB');
        expect(outcomeOf(answer)).to.deep.equal([409, 'resource_not_stopped']);
        expect(cluster.cibs).to.have.lengthOf(3);
        expect(cluster.cibs[1]).to.match(
          /<primitive id="SMB".*?name="target-role" value="Stopped"/s,
        );
        expect(cluster.cibChanges()).to.deep.equal([]);
      }
    });

    it('are refused for an unmanaged resource that runs, also by a dry run', async () => {
      const { call, cluster } = await bench(
        groupedCib.replace(
          'id="SMB-meta_attributes">',
          'id="SMB-meta_attributes"><nvpair id="SMB-m" name="is-managed" value="false"/>',
        ),
      );
      const unmanaged = stillRunning.stdout.replace('role="Started"', '$& managed="false"');
      cluster.answers.set('crm_mon', () => ({ ...stillRunning, stdout: unmanaged }));
      for (const query of ['', '?dry_run=true']) {
        const answer = await call('DELETE', `resource/SMB${query}`);
        expect(outcomeOf(answer)).to.deep.equal([409, 'resource_not_stopped']);
        expect(answer.body)
          .to.have.property('detail')
          .that.includes('is-managed in the primitive SMB');
      }
      expect(cluster.changes()).to.deep.equal([]);
    });

    it('leave a target-role that somebody else set meanwhile', async () => {
      const { call, cluster } = await bench();
      cluster.answers.set('crm_mon', () => {
        const now = cluster.xml();
        cluster.cibs.push(
          now.replace('name="target-role" value="Stopped"', 'name="target-role" value="Promoted"'),
        );
        return stillRunning;
      });
      expect((await call('DELETE', 'resource/SMB')).status).to.equal(409);
      expect(cluster.xml()).to.include('name="target-role" value="Promoted"');
    });

    it('let the resource run as before if the removal is refused', async () => {
      const { call, cluster } = await bench();
      let patches = 0;
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (!argv.includes('--patch')) return undefined;
        patches += 1;
        return patches === 2 ? { exitCode: 78, stdout: '', stderr: 'no' } : undefined;
      });
      const answer = await call('DELETE', 'resource/SMB');
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
      expect([patches, cluster.cibChanges()]).to.deep.equal([3, []]);
    });

    it('are refused before anything is stopped if the cluster would refuse the removal', async () => {
      for (const [exitCode, outcome] of [
        [78, [422, 'cluster_refused']],
        [65, [503, 'tool_failed']],
      ] as const) {
        const cluster = fakeCluster(groupedCib);
        cluster.answers.set('crm_simulate', () => ({ exitCode, stdout: '', stderr: '' }));
        const { call } = await changesBench(`${folder.path}/${exitCode}`, { cluster });
        expect(outcomeOf(await call('DELETE', 'resource/SMB'))).to.deep.equal(outcome);
        expect(cluster.changes()).to.deep.equal([]);
      }
    });

    for (const [name, holder, target] of [
      ['Plain', 'Refers', 'Plain-params-fake'],
      ['Sets', 'Refers', 'Sets-meta'],
    ] as const) {
      it(`are refused with the reason if another resource refers to a part of ${name}`, async () => {
        const { call, cluster } = await bench(everythingCib);
        for (const query of ['', '?dry_run=true']) {
          const answer = await call('DELETE', `resource/${name}${query}`);
          expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
          expect((answer.body as { detail: string }).detail).to.include(
            `${holder} refers to ${target}, which would be gone.`,
          );
        }
        expect(cluster.changes()).to.deep.equal([]);
      });
    }

    it('remove members of a group that refer to each other', async () => {
      const { call, cluster } = await bench(
        groupedCib.replace(
          /(<group id="G">).*?<\/group>/,
          '$1<primitive id="G1" class="ocf" provider="pacemaker" type="Dummy"><operations id="ops"/></primitive><primitive id="G2" class="ocf" provider="pacemaker" type="Dummy"><operations id-ref="ops"/></primitive></group>',
        ),
      );
      expect(outcomeOf(await call('DELETE', 'resource/G1'))).to.deep.equal([
        422,
        'cluster_refused',
      ]);
      expect((await call('DELETE', 'resource/G')).status).to.equal(200);
      expect(cluster.xml()).not.to.include('"G2"');
    });

    for (const [path, what] of [
      ['stonith/SMB', 'SMB is no fence device'],
      [`resource/${device}`, `${device} is no resource`],
      ['resource/nothing', 'nothing is no resource'],
      ['stonith/nothing', 'nothing is no fence device'],
    ] as const) {
      it(`are refused on the route of another kind: ${what}`, async () => {
        const { call, cluster } = await bench();
        for (const query of ['', '?dry_run=true']) {
          const answer = await call('DELETE', `${path}${query}`);
          expect(outcomeOf(answer)).to.deep.equal([404, 'resource_not_found']);
        }
        expect(cluster.changes()).to.deep.equal([]);
      });
    }

    it('find fence devices that have a template', async () => {
      const { call } = await bench(everythingCib);
      expect((await call('DELETE', 'stonith/fence-template')).status).to.equal(200);
      expect(outcomeOf(await call('DELETE', 'stonith/FromTemplate'))).to.deep.equal([
        404,
        'resource_not_found',
      ]);
    });
  });
});
