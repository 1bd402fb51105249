import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { changesBench, outcomeOf, storageCib } from '../../support/changes-bench.ts';
import { fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('changes with a secret', () => {
  const folder = temporaryFolder();
  const secret = 'hunter2"&<two words>';

  async function allFiles(): Promise<string> {
    const names = await readdir(folder.path, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile() && !each.parentPath.includes('tokens'));
    const texts = files.map((each) => readFile(join(each.parentPath, each.name), 'utf8'));
    return (await Promise.all(texts)).join('\n');
  }

  it("store it only in the CIB and in root's files that can undo them", async () => {
    const cluster = fakeCluster(storageCib);
    const { call, app } = await changesBench(folder.path, { cluster });
    const params = { ip: '192.0.2.1', passwd: secret };
    const body = { name: 'F', agent: 'fence_ipmilan', params };
    const answer = await call('POST', 'stonith/create', body, { 'Idempotency-Key': 'k' });
    expect(answer.body).to.deep.equal({
      name: 'F',
      stonith_agent: 'fence_ipmilan',
      params: { ip: '192.0.2.1', passwd: '********' },
    });
    expect(cluster.cibs[1]).to.include('name="passwd" value="hunter2&quot;&amp;&lt;two words&gt;"');
    const update = { params: { passwd: 'hunter2' }, meta: { note: 'user=a,password=hunter2' } };
    expect((await call('PATCH', 'stonith/F', update)).status).to.equal(200);
    expect(
      (await call('PATCH', 'stonith/F', { meta: { note: 'password=hunter22' } })).status,
    ).to.equal(200);
    const undo = join(folder.path, 'undo');
    const undoFiles = await readdir(undo);
    expect(undoFiles).to.have.lengthOf(3);
    for (const name of undoFiles)
      expect((await stat(join(undo, name))).mode & 0o777).to.equal(0o600);
    expect((await stat(undo)).mode & 0o777).to.equal(0o700);
    await rm(undo, { recursive: true });
    const files = await allFiles();
    expect(files).to.include('"operation":"create"').and.include('"set":{"value":"********"}');
    expect(files).to.include('fence_ipmilan').and.include('"outcome":"success"');
    const seen = [cluster.calls, app.lines, answer.headers, answer.text, files].map((each) =>
      JSON.stringify(each),
    );
    expect(seen.join('\n')).not.to.include('hunter2');
    const tried = await call('POST', 'stonith/create?dry_run=true', { ...body, name: 'F2' });
    expect(tried.body).to.have.nested.property('changes[0].element', 'primitive');
    expect(tried.text).to.include('********').and.not.include('hunter2');
  });

  it('mask its value under another name too', async () => {
    const cluster = fakeCluster(storageCib);
    const { call, app } = await changesBench(folder.path, { cluster });
    const params = { ip: '192.0.2.1', passwd: 'hunter2' };
    const meta = { note: 'of hunter2' };
    const body = { name: 'F3', agent: 'fence_ipmilan', params, meta };
    const answer = await call('POST', 'stonith/create', body, { 'Idempotency-Key': 'other' });
    const read = await call('GET', 'configuration');
    const again = await call('POST', 'stonith/create', body, { 'Idempotency-Key': 'other' });
    // The files that can undo the change contain the value, and no answer shows them.
    await rm(join(folder.path, 'undo'), { recursive: true });
    const seen = [answer.text, read.text, again.text, app.lines, await allFiles()];
    expect(seen.map((each) => JSON.stringify(each)).join('\n')).not.to.include('hunter2');
    expect(answer.text).to.include('of ********');
  });

  it('mask it in a refusal by the agent or by Pacemaker', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('cibadmin', ({ argv }) =>
      argv.includes('--query')
        ? success(cluster.xml())
        : { exitCode: 78, stdout: '', stderr: `Error: passwd="${secret}"` },
    );
    const { call, app } = await changesBench(folder.path, { cluster });
    for (const params of [
      { passwd: secret, nonsense: secret },
      { passwd: secret, ip: '' },
      { passwd: secret, ip: '192.0.2.1' },
    ]) {
      const body = { name: 'F', agent: 'fence_ipmilan', params };
      const headers = { 'Idempotency-Key': `k${Object.keys(params).join('')}${params.ip ?? ''}` };
      const answer = await call('POST', 'stonith/create', body, headers);
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
      expect(answer.text).not.to.include('hunter2');
    }
    const seen = [cluster.calls, app.lines, await allFiles()].map((each) => JSON.stringify(each));
    expect(seen.join('\n')).not.to.include('hunter2');
  });

  it('mask it in a refusal because of its type', async () => {
    const { call, app } = await changesBench(folder.path);
    const params = { passwd: { hunter2: ['hunter2'] } };
    const answer = await call('POST', 'stonith/create', {
      name: 'F',
      agent: 'fence_dummy',
      params,
    });
    expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
    expect(answer.text + JSON.stringify(app.lines)).not.to.include('hunter2');
  });

  it('leave it as it is if the request has the mask in its place', async () => {
    const cib = storageCib.replace(
      '</resources>',
      '<primitive id="F" class="stonith" type="fence_ipmilan"><instance_attributes id="i"><nvpair id="i-passwd" name="passwd" value="kept"/></instance_attributes></primitive></resources>',
    );
    for (const path of ['stonith/F', 'resource/F']) {
      const cluster = fakeCluster(cib);
      const { call } = await changesBench(join(folder.path, path), { cluster });
      const params = { passwd: '********', ip: '********' };
      expect((await call('PATCH', path, { params })).status).to.equal(200);
      expect(cluster.cibChanges()).to.deep.equal([
        '+ i: <nvpair id="i-ip" name="ip" value="********">',
      ]);
      const gone = { params: { passwd: null, password: '' } };
      expect((await call('PATCH', path, gone)).status).to.equal(200);
      expect(cluster.xml()).not.to.include('passwd');
    }
  });
});
