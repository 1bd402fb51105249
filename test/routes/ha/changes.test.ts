import { expect } from 'chai';

import { callerOf, changesBench, nodes, storageCib } from '../../support/changes-bench.ts';
import { fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const node = nodes.local;
/** The group of the contract's example, with its present members. */
const groupedCib = storageCib.replace(
  /<primitive id="NFS".*?<\/primitive>/s,
  (primitive) => `<group id="Primary_Group">${primitive}</group>`,
);

describe('changes', () => {
  const folder = temporaryFolder();

  describe('are answered as the contract shows:', () => {
    const shown: readonly [
      what: string,
      method: 'GET' | 'POST' | 'PATCH',
      path: string,
      body: object,
      answer: unknown,
    ][] = [
      [
        'order',
        'POST',
        'constraint/order',
        {
          name: 'starting2',
          kind: 'Mandatory',
          first: { operation: 'start', resource: 'ZFS' },
          then: { operation: 'start', resource: 'Alphorn' },
        },
        '',
      ],
      [
        'order_group',
        'POST',
        'constraint/order_group',
        { name: 'order_group', resources: ['SMB', 'NFS'], kind: 'prefers', score: 'INFINITY' },
        '',
      ],
      [
        'colocation',
        'POST',
        'constraint/colocation',
        { name: 'colocation_name', first: 'NFS', then: 'SMB', score: 'INFINITY' },
        '',
      ],
      [
        'colocation_group',
        'POST',
        'constraint/colocation_group',
        { name: 'colocation_group_name', resources: ['SMB', 'NFS'], score: 'INFINITY' },
        '',
      ],
      [
        'location',
        'POST',
        'constraint/location',
        { resource: 'SMB', kind: 'prefers', score: 'INFINITY', location: 'ae82a9a2' },
        '',
      ],
      ['delete constraint', 'POST', 'constraint/startingSMB/delete', {}, ''],
      ['standby', 'GET', `node/${node}/standby`, {}, ''],
      ['online', 'GET', `node/${node}/online`, {}, ''],
      ['fence', 'GET', `node/${node}/fence`, {}, ''],
      [
        'set property',
        'POST',
        'property/cluster-delay/set',
        { default: '60s', value: '60s' },
        null,
      ],
      ['delete property', 'GET', 'property/stonith-enabled/delete', {}, null],
      ['delete all properties', 'GET', 'property/delete_all', {}, null],
      [
        'create resource',
        'POST',
        'resource/',
        { name: 'resource_dummy', resource_agent: 'ocf:heartbeat:Dummy' },
        { name: 'resource_dummy', resource_agent: 'ocf:heartbeat:Dummy' },
      ],
      [
        'update resource',
        'POST',
        'resource/VIP_mgmt0/update',
        { params: { ip: '192.168.0.98' }, operations: { interval: '30s' } },
        '',
      ],
      [
        'destroy resource',
        'GET',
        'resource/SMB/delete',
        {},
        'Attempting to stop: SMB... Stopped\n',
      ],
      ['stop', 'GET', 'resource/SMB/stop', {}, { name: 'SMB' }],
      ['start', 'GET', 'resource/SMB/start', {}, { name: 'SMB' }],
      [
        'group',
        'POST',
        'resource/group/set',
        {
          groupName: 'Primary_Group',
          resources: ['ZFS', 'SMB'],
          order: { position: 'before', resource: 'NFS' },
        },
        {
          groupName: 'Primary_Group',
          resources: ['ZFS', 'SMB'],
          order: { position: 'before', resource: 'NFS' },
        },
      ],
      [
        'create stonith',
        'POST',
        'stonith/create',
        { name: 'test_dummy', agent: 'fence_dummy' },
        { name: 'test_dummy', stonith_agent: 'fence_dummy' },
      ],
      [
        'destroy stonith',
        'POST',
        'stonith/failoverMeasure_ipmi_bitcoin/delete',
        {},
        'Attempting to stop: failoverMeasure_ipmi_bitcoin... Stopped\n',
      ],
      [
        'create level',
        'POST',
        'stonith/level/create',
        { stonith_name: 'failoverMeasure_ipmi_bitcoin', level: 3, node_name: node },
        { level: 3, node_name: node, stonith_name: 'failoverMeasure_ipmi_bitcoin' },
      ],
      [
        'destroy level',
        'POST',
        'stonith/level/1/delete',
        { stonith_name: 'failoverMeasure_ipmi_bitcoin', node_name: 'ae82a9a2' },
        { level: '1', node_name: 'ae82a9a2', stonith_name: 'failoverMeasure_ipmi_bitcoin' },
      ],
      [
        'reset_all',
        'POST',
        'reset_all',
        {},
        'Shutting down pacemaker/corosync services...\nKilling any remaining services...\nRemoving all cluster configuration files...\n',
      ],
      ['restart', 'POST', 'resource/SMB/restart', {}, { name: 'SMB' }],
      ['ban', 'POST', 'resource/SMB/ban', { node }, { node, name: 'SMB' }],
      ['clear', 'POST', 'resource/SMB/clear', {}, { name: 'SMB' }],
      ['ticket', 'POST', 'constraint/ticket', { ticket: 'T', resource: 'SMB' }, ''],
      ['maintenance', 'POST', `node/${node}/maintenance`, {}, ''],
      [
        'update stonith',
        'PATCH',
        'stonith/failoverMeasure_ipmi_bitcoin',
        { params: { delay: 1 } },
        '',
      ],
      [
        'remove from group',
        'POST',
        'resource/group/remove',
        { groupName: 'Primary_Group', resources: ['NFS'] },
        { groupName: 'Primary_Group', resources: ['NFS'] },
      ],
      [
        'start a service',
        'POST',
        'services/pcsd.service/start',
        {},
        { id: 'pcsd.service', state: 'online', locked: false },
      ],
      [
        'destroy',
        'GET',
        'destroy',
        {},
        'Shutting down pacemaker/corosync services...\nKilling any remaining services...\nRemoving all cluster configuration files...\n',
      ],
    ];
    for (const [what, method, path, body, answer] of shown) {
      it(what, async () => {
        const { call } = await changesBench(folder.path, { cluster: fakeCluster(groupedCib) });
        const response = await call(method, path, body);
        expect(response.text).to.equal(JSON.stringify(answer));
        expect(response.status).to.equal(200);
        expect(response.headers['content-type']).to.equal('application/json; charset=utf-8');
      });
    }

    it('cleanup, with the output of the tool', async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('crm_resource', () => success('Cleaned up SMB on ae82a9a2\n'));
      const { call } = await changesBench(folder.path, { cluster });
      const { text, status } = await call('GET', 'resource/SMB/cleanup');
      expect([status, text]).to.deep.equal([200, JSON.stringify('Cleaned up SMB on ae82a9a2\n')]);
      const argv = ['crm_resource', '--cleanup', '--resource', 'SMB'];
      expect(cluster.changes()).to.deep.equal([argv]);
    });

    it('migrate, for a resource that already runs on the node', async () => {
      const { call, cluster } = await changesBench(folder.path);
      const body = { node: nodes.other };
      const { text, status } = await call('POST', 'resource/SMB/migrate', body);
      expect([status, text]).to.deep.equal([
        200,
        JSON.stringify({ node: nodes.other, name: 'SMB' }),
      ]);
      expect(cluster.cibChanges()).to.deep.equal([]);
    });
  });

  it('echo the values of the request as they were sent', async () => {
    const { call } = await changesBench(folder.path);
    const body = {
      name: 'A',
      resource_agent: 'ocf:heartbeat:IPaddr2',
      clone: false,
      params: { ip: '192.0.2.1', cidr_netmask: 24 },
      meta: {},
      operations: { interval: '30s' },
    };
    const { body: answer } = await call('POST', 'resource', body);
    expect(answer).to.deep.equal(body);
    const level = { level: '3', node_name: node, stonith_name: 'failoverMeasure_ipmi_bitcoin' };
    expect((await call('POST', 'stonith/level/create', level)).body).to.deep.equal(level);
  });

  describe('are also made by the methods that clients expect:', () => {
    const device = 'failoverMeasure_ipmi_bitcoin';
    const level = { stonith_name: device, node_name: nodes.other };
    for (const [method, path, body, instead] of [
      ['DELETE', 'resource/SMB', {}, ['GET', 'resource/SMB/delete']],
      ['PATCH', 'resource/SMB', { meta: { a: '1' } }, ['POST', 'resource/SMB/update']],
      ['DELETE', `stonith/${device}`, {}, ['POST', `stonith/${device}/delete`]],
      ['PATCH', `stonith/${device}`, { meta: { a: '1' } }, ['POST', `stonith/${device}/update`]],
      ['DELETE', 'constraint/startingSMB', {}, ['POST', 'constraint/startingSMB/delete']],
      ['PUT', 'property/batch-limit', { value: 5 }, ['POST', 'property/batch-limit/set']],
      ['DELETE', 'property/stonith-enabled', {}, ['GET', 'property/stonith-enabled/delete']],
      ['DELETE', 'stonith/level/1', level, ['POST', 'stonith/level/1/delete']],
      ['POST', `node/${node}/standby`, {}, ['GET', `node/${node}/standby`]],
      ['POST', 'property/delete_all', {}, ['GET', 'property/delete_all']],
      ['POST', 'destroy', {}, ['GET', 'destroy']],
    ] as const) {
      it(`${method} ${path}`, async () => {
        const { call, cluster, app } = await changesBench(folder.path);
        const answer = await call(method, path, body);
        const done = [...cluster.changes()].map(withoutFolder);
        const changed = cluster.cibChanges();
        cluster.calls.length = 0;
        cluster.cibs.splice(1);
        expect(answer.status).to.equal(200);
        expect(done).not.to.deep.equal([]);
        const [documented, route] = instead;
        expect((await callerOf(app.again())(documented, route, body)).text).to.equal(answer.text);
        expect(cluster.changes().map(withoutFolder)).to.deep.equal(done);
        expect(cluster.cibChanges()).to.deep.equal(changed);
      });
    }
  });
});

/** Replaces the random names of the folders of changes. */
function withoutFolder(argv: readonly string[]): string[] {
  return argv.map((word) => word.replace(/\/change-\w+\//, '/'));
}
