import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { changesBench, outcomeOf, storageCib } from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const device = 'failoverMeasure_ipmi_bitcoin';

describe('changes with a secret', () => {
  const folder = temporaryFolder();
  const secret = 'hunter2"&<two words>';

  /** A pcs that writes what it is told, as the real one does. */
  function honestPcs(): FakeCluster {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('pcs', async ({ argv }) => {
      const pairs = argv.flatMap((word) => {
        const [, name, value] = /^(\w+)=(.*)$/.exec(word) ?? [];
        return name === undefined
          ? []
          : [`<nvpair id="F-${name}" name="${name}" value="${value ?? ''}"/>`];
      });
      const file = argv[2] ?? '';
      const xml = await readFile(file, 'utf8');
      const added = `<primitive id="F" class="stonith" type="fence_dummy"><instance_attributes id="F-params">${pairs.join('')}</instance_attributes></primitive></resources>`;
      await writeFile(file, xml.replace('</resources>', added));
      return { exitCode: 0, stdout: '', stderr: '' };
    });
    cluster.answers.set('crm_diff', diffOfAll);
    return cluster;

    async function diffOfAll({ argv }: { argv: readonly string[] }) {
      const xml = await readFile(argv.at(-1) ?? '', 'utf8');
      cluster.cibs.push(xml);
      const added = /<primitive id="F".*?<\/primitive>/s.exec(xml)?.[0] ?? '';
      const pair = /<nvpair id="F-passwd"[^>]*>/.exec(xml)?.[0] ?? '';
      const stdout = `<diff format="2"><change operation="create" path="/cib" position="1">${added}</change><change operation="modify" path="/cib/x"><change-list><change-attr name="value" operation="set" ${/value="[^"]*"/.exec(pair)?.[0] ?? ''}/></change-list><change-result>${pair}</change-result></change><change operation="modify" path="/cib/y"><change-list><change-attr name="value" operation="set" value="user=a,password=hunter2"/></change-list><change-result><nvpair id="o" name="options" value=""/></change-result></change></diff>`;
      return { exitCode: 1, stdout, stderr: '' };
    }
  }

  async function allFiles(): Promise<string> {
    const names = await readdir(folder.path, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile() && !each.parentPath.includes('tokens'));
    const texts = files.map((each) => readFile(join(each.parentPath, each.name), 'utf8'));
    return (await Promise.all(texts)).join('\n');
  }

  it('have it in the CIB, and nowhere else', async () => {
    const cluster = honestPcs();
    const { call, app } = await changesBench(folder.path, { cluster });
    const body = { name: 'F', agent: 'fence_dummy', params: { ip: '192.0.2.1', passwd: secret } };
    const answer = await call('POST', 'stonith/create', body, { 'Idempotency-Key': 'k' });
    expect(answer.body).to.deep.equal({
      ...{ name: 'F', stonith_agent: 'fence_dummy' },
      params: { ip: '192.0.2.1', passwd: '********' },
    });
    expect(cluster.cibs[1]).to.include('name="passwd" value="hunter2&quot;&amp;&lt;two words&gt;"');
    const files = await allFiles();
    expect(files).to.include('fence_dummy').and.include('"outcome":"success"');
    const seen = [cluster.calls, app.lines, answer.headers, answer.text, files].map((each) =>
      JSON.stringify(each),
    );
    expect(seen.join('\n')).not.to.include('hunter2');
    const tried = await call('POST', 'stonith/create?dry_run=true', { ...body, name: 'F2' });
    expect(tried.body).to.have.nested.property('changes[0].element', 'primitive');
    expect(tried.text).to.include('********').and.not.include('hunter2');
  });

  it('have it not in a refusal, whatever pcs says', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('pcs', ({ argv }) => ({
      exitCode: 1,
      stdout: '',
      stderr: `Error: ${argv.join(' ')}`,
    }));
    const { call, app } = await changesBench(folder.path, { cluster });
    const body = { name: 'F', agent: 'fence_dummy', params: { passwd: secret } };
    const answer = await call('POST', 'stonith/create', body, { 'Idempotency-Key': 'k' });
    expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
    const seen = [cluster.calls, app.lines, answer.text, await allFiles()].map((each) =>
      JSON.stringify(each),
    );
    expect(seen.join('\n')).not.to.include('hunter2');
  });

  it('have it not in a refusal because of its type', async () => {
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

  it('leave it as it is when it comes back as it was shown', async () => {
    for (const [path, kind, name] of [
      [`stonith/${device}`, 'stonith', device],
      ['resource/VIP_mgmt0', 'resource', 'VIP_mgmt0'],
    ] as const) {
      const cluster = fakeCluster(storageCib);
      const { call } = await changesBench(join(folder.path, kind), { cluster });
      const params = { passwd: '********', ip: '********', delay: 1 };
      expect((await call('PATCH', path, { params })).status).to.equal(200);
      expect(pcsWords(cluster)).to.deep.equal([[kind, 'update', name, 'ip=********', 'delay=1']]);
    }
  });

  it('take it away when it is empty', async () => {
    const { call, cluster } = await changesBench(folder.path);
    await call('PATCH', `stonith/${device}`, { params: { passwd: null, password: '' } });
    expect(pcsWords(cluster)).to.deep.equal([
      ['stonith', 'update', device, 'passwd=', 'password='],
    ]);
  });
});

/** What pcs was called with, behind `-f FILE`. */
function pcsWords({ calls }: FakeCluster): string[][] {
  return calls.flatMap(([tool, , , ...words]) => (tool === 'pcs' ? [words] : []));
}
