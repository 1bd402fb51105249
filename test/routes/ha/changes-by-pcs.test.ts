import { readdir, readFile, writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import {
  changesBench,
  everythingCib,
  type Method,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const device = 'failoverMeasure_ipmi_bitcoin';

describe('changes that pcs makes', () => {
  const folder = temporaryFolder();

  /** What pcs was called with, behind `-f FILE`. */
  const pcsWords = ({ calls }: FakeCluster) =>
    calls.flatMap(([tool, option, file = '', ...words]) => {
      if (tool !== 'pcs') return [];
      expect([option, file.startsWith(`${folder.path}/change-`)]).to.deep.equal(['-f', true]);
      return [words];
    });

  const options = {
    params: { ip: '192.0.2.1', nic: 'eth0; reboot', cidr_netmask: 24, gone: null },
    operations: {
      monitor: [{ interval: '10s' }, { interval: '20s', timeout: 5 }],
      start: { timeout: '1min' },
    },
    meta: { 'resource-stickiness': 100, 'is-managed': true },
  };
  const words = [
    ...['ip=192.0.2.1', 'nic=eth0; reboot', 'cidr_netmask=24', 'gone='],
    ...[
      'op',
      'monitor',
      'interval=10s',
      'monitor',
      'interval=20s',
      'timeout=5',
      'start',
      'timeout=1min',
    ],
    ...['meta', 'resource-stickiness=100', 'is-managed=true'],
  ];
  const create = { name: 'A', resource_agent: 'ocf:heartbeat:IPaddr2' };

  const cases: readonly [
    what: string,
    method: Method,
    path: string,
    body: object,
    words: readonly string[],
  ][] = [
    [
      'create a resource',
      'POST',
      'resource',
      { ...create, ...options },
      ['resource', 'create', 'A', 'ocf:heartbeat:IPaddr2', ...words],
    ],
    [
      'create one of the agent alone',
      'POST',
      'resource',
      create,
      ['resource', 'create', 'A', 'ocf:heartbeat:IPaddr2'],
    ],
    [
      'take options alone for the monitor',
      'POST',
      'resource',
      { ...create, operations: { interval: '30s' } },
      ['resource', 'create', 'A', 'ocf:heartbeat:IPaddr2', 'op', 'monitor', 'interval=30s'],
    ],
    [
      'create a clone',
      'POST',
      'resource',
      { ...create, clone: true },
      ['resource', 'create', 'A', 'ocf:heartbeat:IPaddr2', 'clone'],
    ],
    [
      'create a clone with options',
      'POST',
      'resource',
      { ...create, meta: { a: 'b' }, clone: { interleave: true } },
      [
        'resource',
        'create',
        'A',
        'ocf:heartbeat:IPaddr2',
        'meta',
        'a=b',
        'clone',
        'interleave=true',
      ],
    ],
    [
      'create none if none is wanted',
      'POST',
      'resource',
      { ...create, clone: false },
      ['resource', 'create', 'A', 'ocf:heartbeat:IPaddr2'],
    ],
    [
      'update a resource',
      'PATCH',
      'resource/VIP_mgmt0',
      options,
      ['resource', 'update', 'VIP_mgmt0', ...words],
    ],
    ['delete a resource', 'DELETE', 'resource/SMB', {}, ['resource', 'delete', 'SMB']],
    ['manage', 'POST', 'resource/SMB/manage', {}, ['resource', 'manage', 'SMB']],
    ['unmanage', 'POST', 'resource/SMB/unmanage', {}, ['resource', 'unmanage', 'SMB']],
    [
      'clone',
      'POST',
      'resource/SMB/clone',
      { clone_name: 'C', meta: { 'clone-max': 2 } },
      ['resource', 'clone', 'SMB', 'C', 'clone-max=2'],
    ],
    ['clone without a name', 'POST', 'resource/SMB/clone', {}, ['resource', 'clone', 'SMB']],
    ['unclone', 'POST', 'resource/SMB/unclone', {}, ['resource', 'unclone', 'SMB']],
    [
      'make a group',
      'POST',
      'resource/group/set',
      { groupName: 'G', resources: ['ZFS', 'SMB'] },
      ['resource', 'group', 'add', 'G', 'ZFS', 'SMB'],
    ],
    [
      'put into a group, at its place',
      'POST',
      'resource/group/set',
      { groupName: 'G', resources: ['ZFS', 'SMB'], order: { position: 'after', resource: 'NFS' } },
      ['resource', 'group', 'add', 'G', '--after', 'NFS', 'ZFS', 'SMB'],
    ],
    [
      'take out of a group',
      'POST',
      'resource/group/remove',
      { groupName: 'SMB', resources: ['ZFS'] },
      ['resource', 'group', 'remove', 'SMB', 'ZFS'],
    ],
    ['ungroup', 'DELETE', 'resource/group/SMB', {}, ['resource', 'group', 'remove', 'SMB']],
    [
      'create a fence device',
      'POST',
      'stonith/create',
      { name: 'F', agent: 'stonith:fence_dummy', params: { ip: 1 } },
      ['stonith', 'create', 'F', 'fence_dummy', 'ip=1'],
    ],
    [
      'update a fence device',
      'POST',
      `stonith/${device}/update`,
      { params: { delay: 3 } },
      ['stonith', 'update', device, 'delay=3'],
    ],
    ['delete a fence device', 'DELETE', `stonith/${device}`, {}, ['stonith', 'delete', device]],
  ];
  for (const [what, method, path, body, expected] of cases) {
    it(what, async () => {
      const { call, cluster } = await changesBench(folder.path);
      expect(outcomeOf(await call(method, path, body))).to.deep.equal([200]);
      expect(pcsWords(cluster)).to.deep.equal([expected]);
    });
  }

  it('are put in place as pcs made them', async () => {
    const cluster = pcsThatAdds(
      '<primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/>',
    );
    const { call } = await changesBench(folder.path, { cluster });
    await call('POST', 'resource', create);
    expect(cluster.cibChanges()).to.deep.equal([
      '+ resources: <primitive id="A" class="ocf" provider="heartbeat" type="Dummy">',
    ]);
  });

  it('leave no file behind, whether they were made or refused', async () => {
    const { call, cluster } = await changesBench(folder.path);
    await call('POST', 'resource', create);
    cluster.answers.set('pcs', () => ({ exitCode: 1, stdout: '', stderr: 'Error: no\n' }));
    await call('POST', 'resource', { ...create, name: 'B' });
    expect((await readdir(folder.path)).filter((name) => name.startsWith('change-'))).to.deep.equal(
      [],
    );
  });

  it('are refused in the words of pcs, and nothing is done', async () => {
    const { call, cluster } = await changesBench(folder.path);
    cluster.answers.set('pcs', () => ({
      exitCode: 1,
      stdout: '',
      stderr: 'Error: no such option\n',
    }));
    const answer = await call('POST', 'resource', create);
    expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
    expect(answer.body).to.include({ exitCode: 1, stderr: 'Error: no such option\n' });
    expect(cluster.cibs).to.have.lengthOf(1);
  });

  it('tell what pcs had to say, on either of its outputs, in a header', async () => {
    const { call, cluster } = await changesBench(folder.path);
    cluster.answers.set('pcs', () => ({
      exitCode: 0,
      stdout: 'Warning: "a" \\ é\n\n',
      stderr: '  b\n',
    }));
    const { headers, status } = await call('POST', 'resource', create);
    expect(status).to.equal(200);
    expect(headers['x-ha-warnings']).to.equal(
      '199 ha-agent "Warning: \\"a\\" \\\\  ", 199 ha-agent "b"',
    );
  });

  it('have nothing to do for pcs where everything is as it should be', async () => {
    const cluster = fakeCluster(everythingCib);
    const { call } = await changesBench(folder.path, { cluster });
    const group = { groupName: 'Files', resources: ['Export', 'Mount'] };
    expect((await call('POST', 'resource/group/set', group)).body).to.deep.equal(group);
    expect((await call('PATCH', 'resource/SMB', {})).status).to.equal(200);
    expect(pcsWords(cluster)).to.deep.equal([]);
    await call('POST', 'resource/group/set', { ...group, resources: ['Mount', 'SMB'] });
    expect(pcsWords(cluster)).to.deep.equal([['resource', 'group', 'add', 'Files', 'SMB']]);
  });

  describe('to delete', () => {
    it('stop it first, wait, and delete what is stopped then', async () => {
      const { call, cluster } = await changesBench(folder.path);
      const { status, text } = await call('GET', 'resource/SMB/delete');
      expect([status, text]).to.deep.equal([200, '"Attempting to stop: SMB... Stopped\\n"']);
      expect(cluster.cibChanges()).to.deep.equal([
        '+ SMB-meta_attributes: <nvpair id="SMB-meta_attributes-target-role" name="target-role" value="Stopped">',
      ]);
      const started = cluster.calls.map((argv) => argv.slice(0, 2).join(' '));
      const steps = ['cibadmin --patch', 'crm_resource --wait', 'crm_mon --as-xml', 'pcs -f'];
      expect(started.filter((line) => steps.includes(line))).to.deep.equal(steps);
    });

    it('do not, while it still runs', async () => {
      const { call, cluster } = await changesBench(folder.path);
      cluster.answers.set('crm_mon', () => ({
        exitCode: 0,
        stdout: `<crm_mon version="2"><nodes/><resources><resource id="SMB" role="Started"><node name="${nodes.other}"/></resource></resources></crm_mon>`,
        stderr: '',
      }));
      expect(outcomeOf(await call('DELETE', 'resource/SMB'))).to.deep.equal([
        409,
        'resource_not_stopped',
      ]);
      expect(pcsWords(cluster)).to.deep.equal([]);
    });

    for (const [path, what] of [
      ['stonith/SMB', 'a resource is no fence device'],
      [`resource/${device}`, 'a fence device is no resource'],
      ['resource/nothing', 'nothing is neither'],
      ['stonith/nothing', 'nothing is no fence device'],
    ] as const) {
      it(`touch nothing of the other kind: ${what}`, async () => {
        const { call, cluster } = await changesBench(folder.path);
        for (const query of ['', '?dry_run=true']) {
          const answer = await call('DELETE', `${path}${query}`);
          expect(outcomeOf(answer)).to.deep.equal([404, 'resource_not_found']);
        }
        expect(cluster.changes()).to.deep.equal([]);
      });
    }

    it('know fence devices that are made from a template', async () => {
      const cluster = fakeCluster(everythingCib);
      const { call } = await changesBench(folder.path, { cluster });
      expect((await call('DELETE', 'stonith/fence-template')).status).to.equal(200);
      expect(outcomeOf(await call('DELETE', 'stonith/FromTemplate'))).to.deep.equal([
        404,
        'resource_not_found',
      ]);
    });
  });
});

function pcsThatAdds(resource: string): FakeCluster {
  const cluster = fakeCluster(storageCib);
  cluster.answers.set('pcs', async ({ argv }) => {
    const file = argv[2] ?? '';
    const xml = await readFile(file, 'utf8');
    await writeFile(file, xml.replace('</resources>', `${resource}</resources>`));
    return { exitCode: 0, stdout: '', stderr: '' };
  });
  return cluster;
}
