import { writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import {
  changesBench,
  type ChangesBenchOptions,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;

/** A cluster in which crm_mon shows this state of SMB. */
function clusterWith({
  smb = '<resource id="SMB" role="Stopped" active="false"/>',
  failures = '',
  quorum = true,
}: {
  smb?: string;
  failures?: string;
  quorum?: boolean;
}) {
  const cluster = fakeCluster(storageCib);
  cluster.answers.set('crm_mon', () =>
    success(
      `<crm_mon version="2.1.5"><summary><current_dc present="true" with_quorum="${quorum}"/><cluster_options no-quorum-policy="stop"/></summary><nodes><node name="${local}" online="true"/><node name="${other}" online="true"/></nodes><resources>${smb}</resources><node_history>${[local, other].map((name) => `<node name="${name}"><resource_history id="SMB" migration-threshold="1000000" fail-count="${failures === '' ? 0 : 1_000_000}"/></node>`).join('')}</node_history><failures>${failures}</failures></crm_mon>`,
    ),
  );
  return cluster;
}

const failure = `<failure op_key="SMB_start_0" node="${local}" exitstatus="error" exitreason="the pool is not there" exitcode="1" status="complete" interval="0" task="start"/>`;

describe('a change whose resource does not reach the intended state', () => {
  const folder = temporaryFolder();
  const bench = (options: ChangesBenchOptions = {}) => changesBench(folder.path, options);
  const warnings = ({ headers }: { headers: Record<string, string> }) =>
    headers['x-ha-warnings'] ?? '';

  it("answers 202 with the cluster's reason if the caller waits", async () => {
    const { call } = await bench({ cluster: clusterWith({ failures: failure }) });
    const answer = await call('GET', 'resource/SMB/start?wait=30s');
    expect([answer.status, answer.body]).to.deep.equal([202, { name: 'SMB' }]);
    expect(warnings(answer)).to.equal(
      `199 ha-agent "SMB is not running: on ${local}: SMB failed there for good (start failed on ${local}: the pool is not there); correct the cause, then clean up SMB; on ${other}: SMB failed there for good; correct the cause, then clean up SMB."`,
    );
  });

  it('is described in at most 1000 characters', async () => {
    const failures = failure.replace('the pool is not there', 'x'.repeat(2000));
    const { call } = await bench({ cluster: clusterWith({ failures }) });
    const answer = await call('GET', 'resource/SMB/start?wait=30s');
    expect(warnings(answer)).to.match(/^199 ha-agent ".{1000}"$/);
  });

  it('gives the documented answer with a warning of what is known if the caller does not wait', async () => {
    const { call } = await bench({ cluster: clusterWith({ failures: failure }) });
    const answer = await call('GET', 'resource/SMB/start');
    expect([answer.status, answer.body]).to.deep.equal([200, { name: 'SMB' }]);
    expect(warnings(answer)).to.match(/^199 ha-agent "SMB is not running, and will not be: /);
  });

  it('causes no warning if nothing is known yet', async () => {
    const { call } = await bench({ cluster: clusterWith({}) });
    const answer = await call('GET', 'resource/SMB/start');
    expect([answer.status, warnings(answer)]).to.deep.equal([200, '']);
  });

  it('also answers 202 if the cluster gives no reason', async () => {
    const { call } = await bench({ cluster: clusterWith({}) });
    const answer = await call('GET', 'resource/SMB/start?wait=30s');
    expect([answer.status, warnings(answer)]).to.deep.equal([
      202,
      '199 ha-agent "SMB is not running. The status of the cluster shows no failure that would say why."',
    ]);
  });

  it('causes a warning if the resource is created without quorum', async () => {
    const { call } = await bench({ cluster: clusterWith({ quorum: false }) });
    const sent = { name: 'New', resource_agent: 'ocf:pacemaker:Dummy' };
    const answer = await call('POST', 'resource', sent);
    expect([answer.status, answer.body]).to.deep.equal([200, sent]);
    expect(warnings(answer)).to.include('New is not running, and will not be: there is no quorum');
  });

  it('answers 202 for a restart that does not end, even if the caller does not wait', async () => {
    const cluster = clusterWith({ failures: failure });
    cluster.answers.set('crm_resource', ({ argv }) =>
      argv.includes('--restart')
        ? { exitCode: 124, stdout: '', stderr: 'Could not complete restart of SMB' }
        : undefined,
    );
    const { call } = await bench({ cluster });
    const answer = await call('POST', 'resource/SMB/restart');
    expect([answer.status, answer.body]).to.deep.equal([202, { name: 'SMB' }]);
    expect(warnings(answer)).to.match(/^199 ha-agent "SMB is not running: [^"]*"$/);
  });

  it('is not judged if the state cannot be read, for the change was made', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('crm_mon', () => ({ exitCode: 1, stdout: '', stderr: 'no' }));
    const { call } = await bench({ cluster });
    const answer = await call('GET', 'resource/SMB/start?wait=30s');
    expect([answer.status, warnings(answer)]).to.deep.equal([200, '']);
  });

  it('does not delay a caller who does not wait: the state is read while the change is made', async () => {
    const cluster = clusterWith({});
    const { call } = await bench({ cluster });
    await call('GET', 'resource/SMB/stop');
    cluster.calls.length = 0;
    await call('GET', 'resource/SMB/start');
    const reads = cluster.calls.filter(([tool]) => tool === 'crm_mon');
    expect(reads).to.have.lengthOf(1);
    const patch = cluster.calls.findIndex((argv) => argv.includes('--patch'));
    expect(cluster.calls.findIndex(([tool]) => tool === 'crm_mon')).to.be.lessThan(patch);
  });
});

describe('a fence device', () => {
  const folder = temporaryFolder();
  const ipmi = { ip: '192.0.2.9', username: 'x' };

  for (const [agent, params, warning] of [
    [
      'fence_dummy',
      { pcmk_host_list: 'nobody elsewhere' },
      /F covers no node: its pcmk_host_list or pcmk_host_map names only nobody, elsewhere/,
    ],
    [
      'fence_dummy',
      { pcmk_host_map: 'nobody:1' },
      /F covers no node: its pcmk_host_list or pcmk_host_map names only nobody,/,
    ],
    ['fence_dummy', { pcmk_host_check: 'static-list' }, /F covers no node: pcmk_host_check is/],
    ['fence_dummy', { pcmk_host_list: `${local},elsewhere` }, /"F names elsewhere in its/],
    ['fence_dummy', { pcmk_host_list: local }, /^$/],
    ['fence_dummy', { pcmk_host_map: `${local}:1,2;${other}:3` }, /^$/],
    ['fence_dummy', {}, /^$/],
    ['fence_ipmilan', { pcmk_host_list: local }, /F can reach no device: fence_ipmilan finds/],
    ['fence_ipmilan', { ...ipmi, pcmk_host_list: local }, /^$/],
    ['fence_ipmilan', { ipaddr: '192.0.2.9', pcmk_host_list: local }, /^(?!.*reach)/],
  ] as const) {
    it(`has the warning ${String(warning)} for ${agent} with ${JSON.stringify(params)}`, async () => {
      const { call } = await changesBench(folder.path);
      const sent = { name: 'F', agent, params };
      const { status, headers } = await call('POST', 'stonith/create', sent);
      expect(status).to.equal(200);
      expect(headers['x-ha-warnings'] ?? '').to.match(warning);
    });
  }

  it('is also judged by the parameters of its template', async () => {
    const template = `<template id="T" class="stonith" type="fence_ipmilan"><instance_attributes id="T-params"><nvpair id="T-ip" name="ip" value="192.0.2.9"/><nvpair id="T-list" name="pcmk_host_list" value="nobody"/></instance_attributes></template><primitive id="F" template="T"/>`;
    const cluster = fakeCluster(storageCib.replace('<resources>', `$&${template}`));
    const { call } = await changesBench(folder.path, { cluster });
    const { headers } = await call('POST', 'stonith/F/update', { params: { username: 'x' } });
    expect(headers['x-ha-warnings']).to.match(
      /^199 ha-agent "F covers no node: its pcmk_host_list or pcmk_host_map names only nobody,[^"]*"$/,
    );
  });

  it('causes a warning after the update that leaves it no node, and none after others', async () => {
    const { call } = await changesBench(folder.path);
    await call('POST', 'stonith/create', { name: 'F', agent: 'fence_dummy', params: {} });
    const wrong = await call('POST', 'stonith/F/update', { params: { pcmk_host_list: 'nobody' } });
    expect(wrong.headers['x-ha-warnings']).to.include('F covers no node');
    const meta = await call('POST', 'stonith/F/update', { meta: { priority: '2' } });
    expect(meta.headers['x-ha-warnings'] ?? '').not.to.include('covers');
  });
});

describe('a new corosync key', () => {
  const folder = temporaryFolder();
  const key = 'ab'.repeat(256);

  for (const [state, warning] of [
    ['active', /^199 ha-agent "The cluster on this node runs with its former key until/],
    ['inactive', /^$/],
  ] as const) {
    it(`has the warning ${String(warning)} while corosync is ${state}`, async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('systemctl', () =>
        success(
          `Id=corosync.service\nLoadState=loaded\nActiveState=${state}\nUnitFileState=enabled\n`,
        ),
      );
      cluster.answers.set('corosync-keygen', async ({ argv }) => {
        await writeFile(argv[2] ?? '', 'fresh');
        return success('made\n');
      });
      const { call } = await changesBench(folder.path, { cluster });
      for (const asked of [
        call('GET', 'corosync/key/generate'),
        call('POST', 'corosync/key', { key }),
      ]) {
        const { status, headers } = await asked;
        expect(status).to.equal(200);
        expect(headers['x-ha-warnings'] ?? '').to.match(warning);
      }
    });
  }
});

describe('a cleanup', () => {
  const folder = temporaryFolder();

  for (const [what, stdout, stderr] of [
    [
      'as 2.1 and 3.0 print it',
      'Cleaned up SMB on a\nCleaned up SMB on b\nWaiting for 2 replies from the controller\n... got reply\n... got reply (done)\n',
      '',
    ],
    [
      'as 2.0 prints it',
      'Cleaned up SMB on a\nCleaned up SMB on b\n',
      'Waiting for 2 replies from the controller.. OK\n',
    ],
    [
      'as 2.0 prints it, on one output',
      'Cleaned up SMB on a\nCleaned up SMB on b\nWaiting for 1 reply from the controller. OK\n',
      '',
    ],
  ] as const) {
    it(`answers without progress messages, ${what}`, async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('crm_resource', () => ({ exitCode: 0, stdout, stderr }));
      const { call } = await changesBench(folder.path, { cluster });
      expect((await call('GET', 'resource/SMB/cleanup')).body).to.equal(
        'Cleaned up SMB on a\nCleaned up SMB on b\n',
      );
    });
  }
});

describe('an object that can be deleted or changed at its URL', () => {
  const folder = temporaryFolder();

  it('can be read there', async () => {
    const { call } = await changesBench(folder.path);
    await call('POST', 'resource/group/set', { groupName: 'G', resources: ['SMB'] });
    for (const [path, same] of [
      ['resource/SMB', 'resource/SMB/details'],
      ['stonith/failoverMeasure_ipmi_bitcoin', 'resource/failoverMeasure_ipmi_bitcoin/details'],
      ['property/batch-limit', 'property/batch-limit/details'],
    ] as const) {
      const [answer, expected] = await Promise.all([call('GET', path), call('GET', same)]);
      expect([answer.status, answer.body], path).to.deep.equal([200, expected.body]);
    }
    const lists = {
      'constraint/startingNFS': ['constraint/ordering', 'id', 'startingNFS'],
      'constraint/all_together': ['constraint/colocation_group', 'id', 'all_together'],
      'resource/group/G': ['resource/group', 'groupName', 'G'],
    } as const;
    for (const [path, [list, key, id]] of Object.entries(lists)) {
      const all = (await call('GET', list)).body as Record<string, unknown>[];
      const one = all.find((each) => each[key] === id);
      expect(one, list).not.to.equal(undefined);
      expect((await call('GET', path)).body, path).to.deep.equal(one);
    }
    const levels = (await call('GET', 'stonith/level')).body as { level: string }[];
    expect((await call('GET', 'stonith/level/2')).body).to.deep.equal(
      levels.filter(({ level }) => level === '2'),
    );
  });

  it('answers 404 if it does not exist', async () => {
    const { call } = await changesBench(folder.path);
    for (const [path, code] of [
      ['resource/none', 'resource_not_found'],
      ['resource/group/SMB', 'resource_not_found'],
      ['stonith/SMB', 'resource_not_found'],
      ['constraint/none', 'constraint_not_found'],
      ['property/none', 'property_not_found'],
    ] as const) {
      expect(outcomeOf(await call('GET', path)), path).to.deep.equal([404, code]);
    }
  });
});
