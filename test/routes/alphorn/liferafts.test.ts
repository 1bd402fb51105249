import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

import { expect } from 'chai';

import examples from '../../../src/routes/alphorn/examples.json' with { type: 'json' };
import type { AlphornPaths } from '../../../src/alphorn/paths.ts';
import { noPaths } from '../../support/app-bench.ts';
import {
  type ChangesBench,
  changesBench,
  type ChangesBenchOptions,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { fakeCluster, success } from '../../support/fake-cluster.ts';
import { contractExample } from '../../support/fixtures.ts';
import { liferaftOf, lostHost, storeLiferaft } from '../../support/liferafts.ts';
import { growTree, treeOf } from '../../support/restore-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const content = {
  folders: { '/etc': {}, '/etc/x': {} },
  files: { '/etc/hosts': { content: '127.0.0.1', mode: 0o600 }, '/etc/x/a': 'a' },
  links: { '/etc/l': { target: 'x' } },
};
const before = { '/etc': 'folder 755 0:0', '/etc/hosts': 'file 644 0:0 ::1' };
const after = {
  '/etc': 'folder 755 0:0',
  '/etc/hosts': 'file 600 0:0 127.0.0.1',
  '/etc/x': 'folder 755 0:0',
  '/etc/x/a': 'file 644 0:0 a',
  '/etc/l': 'link 0:0 x',
};
const name = 'liferaft_1234abcd.tar';

/** What the answers of these routes have, each some of it. */
interface Body {
  detail: string;
  errors: object[];
  confirmation: { token: string };
  differences: { path: string }[];
  accounts: { changes: object[] };
  folders: { path: string }[];
  kept: string;
  paths: string[];
  host: { id: string } | null;
  error: { code: string };
  running: boolean;
}

const bodyOf = ({ body }: { body: unknown }) => body as Body;

/** As the sender of a real node said. */
const senderStatus = JSON.stringify(examples['GET /status'].body);

describe('Alphorn by the API', () => {
  const folder = temporaryFolder();
  let alphorn: AlphornPaths;

  beforeEach(async () => {
    alphorn = {
      ...noPaths.alphorn,
      settings: join(folder.path, 'alphorn/config.json'),
      liferafts: join(folder.path, 'liferafts'),
      restores: join(folder.path, 'restore'),
      root: join(folder.path, 'root'),
      socket: join(folder.path, 'alphornd.sock'),
      machineId: join(folder.path, 'machine-id'),
    };
    await mkdir(alphorn.root);
  });

  const bench = (more: ChangesBenchOptions = {}): Promise<ChangesBench> =>
    changesBench(folder.path, { alphorn, ...more });
  const audited = async () =>
    (await readFile(join(folder.path, 'audit.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { route: string; outcome: string });

  describe('answers as the contract shows:', () => {
    it('alphorn, set and read', async () => {
      const { call } = await bench();
      const set = await call('POST', 'alphorn', contractExample('alphorn-set') as object);
      expect([set.status, set.text]).to.deep.equal([200, '{}']);
      expect(set.headers['content-type']).to.equal('application/json; charset=utf-8');
      const read = await call('GET', 'alphorn');
      expect([read.status, read.text]).to.deep.equal([
        200,
        JSON.stringify(contractExample('alphorn')),
      ]);
      expect((await audited()).map(({ outcome }) => outcome)).to.deep.equal(['begun', 'success']);
    });

    for (const [method, path] of [
      ['GET', 'alphorn/liferaft/delete_all'],
      ['POST', 'alphorn/liferaft/delete_all'],
      ['DELETE', 'alphorn/liferaft'],
    ] as const) {
      it(`alphorn/liferaft/delete_all, by ${method} ${path}`, async () => {
        for (const id of ['2345cdef', '1234abcd'])
          await storeLiferaft(alphorn.liferafts, { host: { id, name: 'other' } });
        const { call } = await bench();
        const answer = await call(method, path);
        expect([answer.status, answer.text]).to.deep.equal([
          200,
          JSON.stringify(contractExample('alphorn-liferaft-delete_all')),
        ]);
        expect(await readdir(alphorn.liferafts)).to.deep.equal([]);
        expect((await call(method, path)).text).to.equal('[]');
      });
    }
  });

  describe('concerns this host alone, so that a change', () => {
    const change = async (
      call: ChangesBench['call'],
      headers: Readonly<Record<string, string>> = {},
      query = '',
    ) => {
      await growTree(alphorn.root, before);
      await storeLiferaft(alphorn.liferafts, content);
      const answers = [];
      for (const [method, path, body] of [
        ['POST', 'alphorn', contractExample('alphorn-set') as object],
        ['POST', `alphorn/liferaft/${name}/restore`, { paths: ['/etc/x', '/etc/l'] }],
        ['POST', 'alphorn/restore/undo', {}],
        ['DELETE', `alphorn/liferaft/${name}`, {}],
        ['GET', 'alphorn/liferaft/delete_all', {}],
      ] as const) {
        answers.push(await call(method, `${path}${query}`, body, headers));
      }
      return answers;
    };

    for (const query of ['', '?wait=30s'])
      it(`asks the cluster nothing, and has no version${query && ', also if the caller would wait'}`, async () => {
        const { call, cluster } = await bench();
        for (const { status, headers } of await change(call, { 'If-Match': '*' }, query)) {
          expect([status, headers['etag']]).to.deep.equal([200, undefined]);
        }
        expect(cluster.calls).to.deep.equal([]);
        for (const line of await audited()) {
          expect(line).not.to.have.any.keys('before', 'after');
        }
      });

    it('is refused with the version of a configuration, and does nothing', async () => {
      const { call, cluster } = await bench();
      for (const answer of await change(call, { 'If-Match': '"0.41"' })) {
        expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
        expect(bodyOf(answer).errors).to.deep.include.members([
          {
            field: 'If-Match',
            message:
              'must not be there: what is changed is not in the configuration of the cluster, and has no version',
            type: 'string',
          },
        ]);
      }
      expect(cluster.calls).to.deep.equal([]);
      expect(await treeOf(alphorn.root)).to.deep.equal(before);
      expect(await readdir(alphorn.liferafts)).to.deep.equal([name]);
    });
  });

  it('has the default settings if nothing was set', async () => {
    const { call } = await bench();
    expect((await call('GET', 'alphorn')).text).to.equal(
      '{"interval":30000,"sync":{"enabled":false,"destinations":[]}}',
    );
  });

  it('reports each wrong key, and keeps the former settings', async () => {
    const { call } = await bench();
    await call('POST', 'alphorn', contractExample('alphorn-set') as object);
    const answer = await call('POST', 'alphorn', {
      config: { interval: 999, keep: 1, sync: { enabled: true, destinations: ['a', 'A'] } },
    });
    expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
    expect(bodyOf(answer).errors).to.deep.equal([
      {
        field: 'config.interval',
        message: 'must be at least 1000 milliseconds',
        type: 'number',
      },
      {
        field: 'config.sync.destinations[1]',
        message: 'must not be there twice',
        type: 'string',
      },
      { field: 'config.keep', message: 'is not a key of these settings', type: 'number' },
    ]);
    expect((await call('GET', 'alphorn')).body).to.deep.equal(contractExample('alphorn'));
  });

  it('says what is wrong with settings that somebody wrote by hand', async () => {
    const { call } = await bench();
    await mkdir(join(folder.path, 'alphorn'));
    await writeFile(alphorn.settings, '{"interval": 1}');
    const answer = await call('GET', 'alphorn');
    expect(outcomeOf(answer)).to.deep.equal([503, 'alphorn_settings_invalid']);
    expect(bodyOf(answer).detail).to.include(alphorn.settings).and.to.include("'sync'");
  });

  describe('liferafts', () => {
    it('are listed, damaged ones too, and shown', async () => {
      const { call } = await bench();
      expect((await call('GET', 'alphorn/liferaft')).text).to.equal('[]');
      await storeLiferaft(alphorn.liferafts, content);
      await writeFile(join(alphorn.liferafts, 'liferaft_2345cdef.tar'), 'x');
      const body = (await call('GET', 'alphorn/liferaft')).body as object[];
      expect(body[0]).to.include({ name, generation: 1, current: true });
      expect(body[0]).to.deep.include({ host: { id: '1234abcd', name: 'lost' } });
      expect(body[1]).to.have.all.keys('name', 'damaged');
      const shown = await call('GET', `alphorn/liferaft/${name}`);
      expect(shown.body).to.deep.equal(
        JSON.parse(JSON.stringify(liferaftOf({ host: lostHost, ...content }).manifest)),
      );
      const damaged = await call('GET', 'alphorn/liferaft/liferaft_2345cdef.tar');
      expect(outcomeOf(damaged)).to.deep.equal([409, 'liferaft_damaged']);
    });

    it('are not deleted by an empty name, and the answer does not offer that', async () => {
      const { call } = await bench();
      const { status, headers } = await call('DELETE', 'alphorn/liferaft/');
      expect([status, headers['allow']]).to.deep.equal([405, 'GET, HEAD']);
    });

    it('that are not there are 404, and what is no name of one is 400', async () => {
      const { call } = await bench();
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/diff'],
        ['DELETE', ''],
        ['POST', '/restore'],
        ['POST', '/restore?dry_run=true'],
      ] as const) {
        const missing = await call(method, `alphorn/liferaft/liferaft_00000000.tar${path}`);
        expect(outcomeOf(missing), path).to.deep.equal([404, 'liferaft_not_found']);
        for (const bad of ['liferaft_1234ABCD.tar', '..%2f..%2fetc%2fpasswd', 'config.json']) {
          const wrong = await call(method, `alphorn/liferaft/${bad}${path}`);
          expect(outcomeOf(wrong), `${path} ${bad}`).to.deep.equal([400, 'invalid_request']);
        }
      }
    });

    it('show their digests to an operator, and not to a viewer', async () => {
      await growTree(alphorn.root, before);
      await storeLiferaft(alphorn.liferafts, content);
      for (const [role, status] of [
        ['viewer', 403],
        ['operator', 200],
        ['admin', 200],
      ] as const) {
        const place = join(folder.path, role);
        await mkdir(place);
        const { call } = await changesBench(place, { role, alphorn });
        for (const method of ['GET', 'HEAD'] as const) {
          for (const path of ['', '/diff']) {
            const answer = await call(method, `alphorn/liferaft/${name}${path}`);
            expect(answer.status, `${role} ${method} ${path}`).to.equal(status);
            if (role !== 'viewer') continue;
            // What a HEAD would have is in its ETag.
            expect(JSON.stringify([answer.body, answer.headers])).not.to.match(/[0-9a-f]{64}/);
            if (method === 'GET') expect(outcomeOf(answer)[1]).to.equal('role_required');
          }
        }
        // Nor does a viewer learn there what is here and what is not.
        const missing = await call('GET', 'alphorn/liferaft/liferaft_00000000.tar');
        expect(missing.status).to.equal(role === 'viewer' ? 403 : 404);
        expect((await call('GET', 'alphorn/liferaft')).status).to.equal(200);
      }
    });

    it('are deleted one by one', async () => {
      await storeLiferaft(alphorn.liferafts, content);
      const { call } = await bench();
      const answer = await call('DELETE', `alphorn/liferaft/${name}`);
      expect([answer.status, answer.text]).to.deep.equal([200, `"${name}"`]);
      expect(await readdir(alphorn.liferafts)).to.deep.equal([]);
    });

    it('are deleted only when that is confirmed, where it has to be', async () => {
      await storeLiferaft(alphorn.liferafts, content);
      const { call } = await bench({ environment: { HA_AGENT_REQUIRE_CONFIRMATION: 'true' } });
      for (const [method, path] of [
        ['GET', 'alphorn/liferaft/delete_all'],
        ['DELETE', `alphorn/liferaft/${name}`],
      ] as const) {
        const asked = await call(method, path);
        expect(outcomeOf(asked)).to.deep.equal([428, 'confirmation_required']);
        expect(await readdir(alphorn.liferafts)).to.deep.equal([name]);
        const { token } = bodyOf(asked).confirmation;
        expect((await call(method, path, {}, { 'X-HA-Confirm': token })).status).to.equal(200);
        await storeLiferaft(alphorn.liferafts, content);
      }
    });
  });

  describe('a restore', () => {
    beforeEach(async () => {
      await growTree(alphorn.root, before);
      await storeLiferaft(alphorn.liferafts, content);
    });
    const tree = () => treeOf(alphorn.root);
    const route = `alphorn/liferaft/${name}/restore`;

    it('is shown in advance, by the diff and by a dry run', async () => {
      const { call } = await bench();
      const diff = await call('GET', `alphorn/liferaft/${name}/diff`);
      expect(diff.body).to.deep.include({
        liferaft: name,
        host: { id: '1234abcd', name: 'lost' },
        generation: 1,
        same: 1,
      });
      expect(bodyOf(diff).differences[2]).to.deep.equal({
        path: '/etc/l',
        changes: ['create'],
        here: null,
        liferaft: { kind: 'link', owner: '0:0', target: 'x' },
      });
      for (const tried of [
        await call('POST', `${route}?dry_run=true`),
        await call('POST', route, { dry_run: true }),
      ]) {
        expect(tried.body).to.deep.equal({ dry_run: true, ...diff.body });
      }
      const some = await call('POST', route, { dry_run: true, paths: ['/etc/x'] });
      expect(bodyOf(some).differences.map(({ path }) => path)).to.deep.equal([
        '/etc/x',
        '/etc/x/a',
      ]);
      expect(await tree()).to.deep.equal(before);
      expect(await readdir(folder.path)).not.to.include('restore');
    });

    it('keeps the users of this host, and replaces them only on request', async () => {
      const { call } = await bench();
      const svc = 'svc:x:998:0::/:/\n';
      await growTree(alphorn.root, { '/etc/passwd': `file 644 0:0 ${svc}` });
      const root = 'root:x:0:0::/:/\n';
      await storeLiferaft(alphorn.liferafts, { files: { '/etc/passwd': root } });
      const tried = await call('POST', route, { dry_run: true, replace_users: true });
      expect(bodyOf(tried).accounts).to.deep.include({ mode: 'replace', units: [] });
      expect(bodyOf(tried).accounts.changes).to.deep.include({
        kind: 'user',
        name: 'svc',
        change: 'vanishes',
        here: 998,
        after: null,
        liferaft: null,
      });
      expect((await call('POST', route)).status).to.equal(200);
      expect((await tree())['/etc/passwd']).to.equal(`file 644 0:0 ${root}${svc}`);
      const replaced = await call('POST', route, { replace_users: true });
      expect(replaced.headers['x-ha-warnings']).to.include('user svc');
      expect((await tree())['/etc/passwd']).to.equal(`file 644 0:0 ${root}`);
      const wrong = await call('POST', route, { replace_users: 'yes' });
      expect(outcomeOf(wrong)).to.deep.equal([400, 'invalid_request']);
    });

    it('restores the modes of existing folders on request, and is 400 for a value that is no boolean', async () => {
      const { call } = await bench();
      const root = join(folder.path, 'root');
      await chmod(join(root, 'etc'), 0o711);
      const tried = bodyOf(await call('POST', route, { dry_run: true }));
      expect(tried.folders.map(({ path }) => path)).to.deep.equal(['/etc']);
      const wrong = await call('POST', route, { folders: 'yes' });
      expect(outcomeOf(wrong)).to.deep.equal([400, 'invalid_request']);
      expect((await call('POST', route, { folders: true })).status).to.equal(200);
      expect((await stat(join(root, 'etc'))).mode & 0o777).to.equal(0o755);
    });

    it('is carried out, recorded, and taken back', async () => {
      const { call } = await bench();
      const made = await call('POST', route);
      expect(made.status, made.text).to.equal(200);
      expect(bodyOf(made).differences).to.have.length(4);
      expect(bodyOf(made).kept).to.include(join(folder.path, 'restore/'));
      expect(await tree()).to.deep.equal(after);
      const undone = await call('POST', 'alphorn/restore/undo');
      expect(undone.body).to.deep.include({ liferaft: name, generation: 1 });
      expect(bodyOf(undone).paths).to.have.members(['/etc/hosts', '/etc/l', '/etc/x/a']);
      expect(await tree()).to.deep.equal(before);
      expect(
        (await audited()).map((each) => `${each.route.slice(18)} ${each.outcome}`),
      ).to.deep.equal([
        `${route} begun`,
        `${route} success`,
        'alphorn/restore/undo begun',
        'alphorn/restore/undo success',
      ]);
    });

    it('is possible for some paths, but not for one that the liferaft does not have', async () => {
      const { call } = await bench();
      await call('POST', route, { paths: ['/etc/x/a', '/etc/l'] });
      expect(await tree()).to.deep.equal({ ...after, '/etc/hosts': before['/etc/hosts'] });
      const answer = await call('POST', route, { paths: ['/etc/hosts', '/etc/shadow'] });
      expect(outcomeOf(answer)).to.deep.equal([404, 'path_not_in_liferaft']);
      expect((await tree())['/etc/hosts']).to.equal(before['/etc/hosts']);
    });

    it('is carried out once for one idempotency key', async () => {
      const { call } = await bench();
      const key = { 'Idempotency-Key': 'one' };
      const first = await call('POST', route, {}, key);
      await call('POST', 'alphorn/restore/undo');
      const second = await call('POST', route, {}, key);
      expect(second.text).to.equal(first.text);
      expect(await tree()).to.deep.equal(before);
    });

    it('is 409 if something is in the way, and changes nothing', async () => {
      await rm(join(alphorn.root, 'etc/hosts'));
      await mkdir(join(alphorn.root, 'etc/hosts'));
      const { call } = await bench();
      const answer = await call('POST', route);
      expect(outcomeOf(answer)).to.deep.equal([409, 'restore_blocked']);
      expect(bodyOf(answer).detail).to.include('/etc/hosts');
    });

    it('is 409 for a damaged liferaft, and changes nothing', async () => {
      const { bytes } = liferaftOf({ host: lostHost, ...content });
      bytes[bytes.lastIndexOf('127.0.0.1')] = 0x39;
      await writeFile(join(alphorn.liferafts, name), bytes);
      const { call } = await bench();
      expect(outcomeOf(await call('POST', route))).to.deep.equal([409, 'liferaft_damaged']);
      expect(await tree()).to.deep.equal(before);
    });

    it('is taken back only by force if paths were changed since', async () => {
      const { call } = await bench();
      await call('POST', route);
      await writeFile(join(alphorn.root, 'etc/x/a'), 'changed');
      const answer = await call('POST', 'alphorn/restore/undo');
      expect(outcomeOf(answer)).to.deep.equal([409, 'changed_since_restore']);
      expect((await call('POST', 'alphorn/restore/undo', { force: true })).status).to.equal(200);
      expect(await tree()).to.deep.equal(before);
      const nothing = await call('POST', 'alphorn/restore/undo');
      expect(outcomeOf(nothing)).to.deep.equal([409, 'nothing_to_undo']);
    });

    it("is 409 at once for Pacemaker's own files while Pacemaker runs", async () => {
      const folders = ['/var', '/var/lib', '/var/lib/pacemaker', '/var/lib/pacemaker/cib'];
      const cib = '/var/lib/pacemaker/cib/cib.xml';
      await storeLiferaft(alphorn.liferafts, {
        folders: Object.fromEntries(folders.map((path) => [path, {}])),
        files: { [cib]: '<cib/>' },
      });
      const cluster = fakeCluster(storageCib);
      const { call } = await bench({ cluster });
      expect(outcomeOf(await call('POST', route))).to.deep.equal([409, 'pacemaker_running']);
      expect(await tree()).to.deep.equal(before);
      cluster.answers.set('systemctl', () =>
        success('Id=pacemaker.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=\n'),
      );
      expect((await call('POST', route)).status).to.equal(200);
    });
  });

  describe('whose sender', () => {
    let server: Server | undefined;
    afterEach(() => {
      server?.close();
      server = undefined;
    });

    it('does not run: the status is what it would do, and it cannot be told to', async () => {
      await writeFile(alphorn.machineId, `${'0123456789abcdef'.repeat(2)}\n`);
      const { call } = await bench();
      await call('POST', 'alphorn', contractExample('alphorn-set') as object);
      const body = bodyOf(await call('GET', 'alphorn/status'));
      expect(body.host?.id).to.match(/^[0-9a-f]{8}$/);
      expect(body).to.deep.include({
        running: false,
        enabled: true,
        interval: 30000,
        liferaft: null,
        error: null,
        destinations: [],
      });
      const answer = await call('POST', 'alphorn/sync');
      expect(outcomeOf(answer)).to.deep.equal([503, 'alphorn_not_running']);
    });

    it('could not run: the status says why', async () => {
      await mkdir(join(folder.path, 'alphorn'));
      await writeFile(alphorn.settings, '{');
      const { call } = await bench();
      const answer = await call('GET', 'alphorn/status');
      expect(answer.status).to.equal(200);
      const body = bodyOf(answer);
      expect(body.error.code).to.equal('alphorn_settings_invalid');
      expect(body.host).to.equal(null);
    });

    it('runs: its status is passed on, and an operator can have it send now', async () => {
      const asked: string[] = [];
      server = createServer((request, response) => {
        asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
        response.end(senderStatus);
      }).listen(alphorn.socket);
      await new Promise((resolve) => server?.once('listening', resolve));
      const { call } = await bench({ role: 'operator' });
      expect(bodyOf(await call('GET', 'alphorn/status')).running).to.equal(true);
      expect(bodyOf(await call('POST', 'alphorn/sync')).running).to.equal(true);
      expect(asked).to.deep.equal(['GET /status', 'POST /sync']);
      await mkdir(join(folder.path, 'viewer'));
      const { call: viewer } = await changesBench(join(folder.path, 'viewer'), {
        role: 'viewer',
        alphorn,
      });
      expect(outcomeOf(await viewer('POST', 'alphorn/sync'))).to.deep.equal([403, 'role_required']);
    });

    it('takes its time: other changes do not wait for it', async () => {
      let finish: () => void = () => undefined;
      server = createServer((_request, response) => {
        finish = () => response.end(senderStatus);
      }).listen(alphorn.socket);
      const requested = new Promise((resolve) => server?.once('request', resolve));
      const { call } = await bench();
      const sync = call('POST', 'alphorn/sync').then((answer) => answer.status);
      await requested;
      const set = await call('POST', 'alphorn', contractExample('alphorn-set') as object);
      expect(set.status).to.equal(200);
      finish();
      expect(await sync).to.equal(200);
    });
  });
});
