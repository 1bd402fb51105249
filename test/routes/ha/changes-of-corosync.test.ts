import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { expect } from 'chai';

import {
  type ChangesBench,
  changesBench,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { loggingToStderrAlone } from '../../../src/parsers/corosync/conf.ts';
import { type FakeCluster, fakeCluster, success } from '../../support/fake-cluster.ts';
import { contractExample } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;

describe('changes of the files of corosync', () => {
  const folder = temporaryFolder();

  /** A corosync that accepts every configuration, and the configurations that it was shown. */
  async function bench(verdict = success('')): Promise<ChangesBench & { shown: string[] }> {
    const cluster = fakeCluster(storageCib);
    const shown: string[] = [];
    cluster.answers.set('corosync', async ({ argv }) => {
      expect(argv.slice(0, 3)).to.deep.equal(['corosync', '-t', '-c']);
      shown.push(await readFile(argv[3] ?? '', 'utf8'));
      return verdict;
    });
    return { ...(await changesBench(folder.path, { cluster })), shown };
  }
  const filesOf = async (path: string) =>
    (await readdir(folder.path)).filter((name) => name.startsWith(basename(path))).toSorted();

  describe('corosync.conf', () => {
    const json = contractExample('corosync') as object;
    const text = contractExample('corosync-raw') as string;

    it('is set as documented, and read back as it was set', async () => {
      const { call, paths, shown } = await bench();
      const answer = await call('POST', 'corosync', json);
      expect([answer.status, answer.text]).to.deep.equal([200, JSON.stringify(text)]);
      expect(await readFile(paths.corosyncConf, 'utf8')).to.equal(text);
      expect(shown).to.deep.equal([loggingToStderrAlone(text)]);
      expect((await call('GET', 'corosync')).body).to.deep.equal(json);
    });

    it('is set as text, byte for byte', async () => {
      const { call, paths } = await bench();
      const conf = '# Größe\ntotem {\n  version:   2\r\n}';
      const answer = await call('POST', 'corosync/raw', { conf });
      expect([answer.status, answer.body]).to.deep.equal([200, conf]);
      expect(await readFile(paths.corosyncConf, 'utf8')).to.equal(conf);
    });

    it('is refused if it is larger than a change may be, and stays as it is', async () => {
      const { call, paths, shown } = await bench();
      await writeFile(paths.corosyncConf, 'old\n');
      const answer = await call('POST', 'corosync/raw', { conf: '\r'.repeat(300_000) });
      expect(answer.body).to.include({ status: 413, code: 'change_too_large' });
      expect([await readFile(paths.corosyncConf, 'utf8'), shown]).to.deep.equal(['old\n', []]);
    });

    it('keeps its mode, and is saved as the previous one', async () => {
      const { call, paths } = await bench();
      await writeFile(paths.corosyncConf, 'old\n');
      await chmod(paths.corosyncConf, 0o640);
      await call('POST', 'corosync/raw', { conf: 'totem {\n}\n' });
      expect((await stat(paths.corosyncConf)).mode & 0o777).to.equal(0o640);
      expect(await readFile(`${paths.corosyncConf}.previous`, 'utf8')).to.equal('old\n');
      expect(await filesOf(paths.corosyncConf)).to.deep.equal([
        'corosync.conf',
        'corosync.conf.previous',
      ]);
    });

    it('stays as it is if corosync would not start with the new one, and the answer names the line', async () => {
      const verdict = {
        exitCode: 8,
        stdout: '',
        stderr: 'parser error: FILE:3: Missing closing brace\n',
      };
      const { call, paths, cluster } = await bench();
      cluster.answers.set('corosync', ({ argv }) => ({
        ...verdict,
        stderr: verdict.stderr.replace('FILE', argv[3] ?? ''),
      }));
      await writeFile(paths.corosyncConf, 'old\n');
      for (const [path, body] of [
        ['corosync', json],
        ['corosync/raw', { conf: 'totem {\n' }],
      ] as const) {
        const answer = await call('POST', path, body);
        expect(outcomeOf(answer)).to.deep.equal([422, 'corosync_conf_invalid']);
        expect(answer.body).to.have.property(
          'stderr',
          verdict.stderr.replace('FILE', paths.corosyncConf),
        );
        expect(await readFile(paths.corosyncConf, 'utf8')).to.equal('old\n');
      }
      expect(await filesOf(paths.corosyncConf)).to.deep.equal(['corosync.conf']);
    });

    describe('with a key in it', () => {
      const withKey = (key: string, comment = '') =>
        `totem {\n\tversion: 2\n\tkey: ${key}\n${comment}}\nquorum {\n}\nnodelist {\n}\n`;

      it('keeps its key if the request has the mask in its place, and shows no key', async () => {
        const { call, paths, app } = await bench();
        await writeFile(paths.corosyncConf, withKey('verysecret', '#\tkey: evenolder\n'));
        const shown = (await call('GET', 'corosync/raw')).body as string;
        expect(shown).not.to.include('verysecret').and.not.to.include('evenolder');
        const text = await call('POST', 'corosync/raw', {
          conf: shown.replace('version: 2', 'version: 3'),
        });
        expect([text.status, text.text]).to.deep.equal([
          200,
          JSON.stringify(shown.replace('version: 2', 'version: 3')),
        ]);
        const file = await readFile(paths.corosyncConf, 'utf8');
        expect(file)
          .to.include('\tkey: verysecret\n#\tkey: ********\n')
          .and.include('version: 3')
          .and.not.include('key: evenolder');
        const read = (await call('GET', 'corosync')).body as object;
        const answer = await call('POST', 'corosync', read);
        expect(answer.status).to.equal(200);
        expect(await readFile(paths.corosyncConf, 'utf8')).to.equal(
          withKey('verysecret').replace('version: 2', 'version: 3'),
        );
        const seen = [answer.text, app.lines, await readFile(`${folder.path}/audit.jsonl`, 'utf8')];
        expect(JSON.stringify(seen)).not.to.include('verysecret');
      });

      it('gets the new key, which appears in no answer', async () => {
        const { call, paths } = await bench();
        const answer = await call('POST', 'corosync/raw', { conf: withKey('verysecret') });
        expect(answer.text).not.to.include('verysecret');
        expect(await readFile(paths.corosyncConf, 'utf8')).to.include('key: verysecret');
      });

      it('is refused with a mask if there is no key to keep', async () => {
        const { call, paths } = await bench();
        await writeFile(paths.corosyncConf, withKey('x').replace('\tkey', '#\tkey'));
        const answer = await call('POST', 'corosync/raw', { conf: withKey('********') });
        expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
        expect(answer.body).to.have.nested.property('errors[0].field', 'totem.key');
      });

      it('is refused without showing the key, if corosync quotes the key', async () => {
        const { call, cluster, app } = await bench();
        cluster.answers.set('corosync', () => ({
          exitCode: 8,
          stdout: '',
          stderr: 'bad key: verysecret\n',
        }));
        const answer = await call('POST', 'corosync/raw', { conf: withKey('verysecret') });
        expect(outcomeOf(answer)).to.deep.equal([422, 'corosync_conf_invalid']);
        expect(answer.text + JSON.stringify(app.lines)).not.to.include('verysecret');
      });
    });
  });

  describe('the key', () => {
    const { key } = contractExample('corosync-key') as { key: string };

    it('is set as documented, with an empty answer', async () => {
      const { call, paths, cluster } = await bench();
      const answer = await call('POST', 'corosync/key', { key });
      expect([answer.status, answer.text]).to.deep.equal([200, '']);
      expect((await readFile(paths.corosyncKey)).toString('hex')).to.equal(key);
      expect((await stat(paths.corosyncKey)).mode & 0o777).to.equal(0o400);
      expect((await call('GET', 'corosync/key')).body).to.deep.equal({ key });
      expect(cluster.changes()).to.deep.equal([]);
    });

    it('is generated, and the former one is saved', async () => {
      const { call, paths, cluster } = await bench();
      await call('POST', 'corosync/key', { key });
      const keygenText =
        'Corosync Cluster Engine Authentication key generator.\nWriting corosync key to ';
      cluster.answers.set('corosync-keygen', async ({ argv }) => {
        await writeFile(argv[2] ?? '', Buffer.alloc(256, 7), { mode: 0o400 });
        return success(`${keygenText}${argv[2] ?? ''}.\n`);
      });
      const answer = await call('GET', 'corosync/key/generate');
      expect([answer.status, answer.body]).to.deep.equal([
        200,
        `${keygenText}${paths.corosyncKey}.\n`,
      ]);
      expect(await readFile(paths.corosyncKey)).to.deep.equal(Buffer.alloc(256, 7));
      expect((await readFile(`${paths.corosyncKey}.previous`)).toString('hex')).to.equal(key);
      expect(await filesOf(paths.corosyncKey)).to.deep.equal(['authkey', 'authkey.previous']);
    });

    it('stays as it is if no key can be generated', async () => {
      const { call, paths, cluster } = await bench();
      await call('POST', 'corosync/key', { key });
      cluster.answers.set('corosync-keygen', async ({ argv }) => {
        await writeFile(argv[2] ?? '', 'half');
        return { exitCode: 3, stdout: '', stderr: 'Failed to read from random device\n' };
      });
      expect(outcomeOf(await call('GET', 'corosync/key/generate'))).to.deep.equal([
        503,
        'tool_failed',
      ]);
      expect((await readFile(paths.corosyncKey)).toString('hex')).to.equal(key);
      expect(await filesOf(paths.corosyncKey)).to.deep.equal(['authkey']);
    });

    it('is in no line of a log and in no stored answer', async () => {
      const { call, app } = await bench();
      await call('POST', 'corosync/key', { key }, { 'Idempotency-Key': 'k' });
      const names = await readdir(`${folder.path}/answers`);
      const answers = await Promise.all(
        names.map((name) => readFile(`${folder.path}/answers/${name}`, 'utf8')),
      );
      const seen = [app.lines, answers, await readFile(`${folder.path}/audit.jsonl`, 'utf8')];
      expect(JSON.stringify(seen)).not.to.include(key.slice(0, 16));
      expect(
        (await call('POST', 'corosync/key', { key }, { 'Idempotency-Key': 'k' })).text,
      ).to.equal('');
    });
  });

  describe('the deletion of a node', () => {
    const nodeOf = (name: string) => `\tnode {\n\t\tring0_addr: ${name}\n\t\tname: ${name}\n\t}\n`;
    const conf = (...names: string[]) =>
      `totem {\n\tversion: 2\n}\nnodelist {\n${names.map(nodeOf).join('')}}\nquorum {\n\tprovider: corosync_votequorum\n}\n`;

    async function withNodes(state: FakeCluster['answers'], ...names: string[]) {
      const changing = await bench();
      for (const [tool, answer] of state) changing.cluster.answers.set(tool, answer);
      changing.cluster.answers.set('corosync-cfgtool', () => success('Done.\n'));
      await writeFile(changing.paths.corosyncConf, conf(...names));
      return changing;
    }
    const down = (name: string): FakeCluster['answers'] =>
      new Map([
        [
          'crm_mon',
          () =>
            success(
              `<crm_mon version="2"><nodes><node name="${local}" id="2" online="true"/><node name="${name}" id="1" online="false"/></nodes></crm_mon>`,
            ),
        ],
      ]);
    const steps = ({ cluster }: ChangesBench) =>
      cluster.changes().map((argv) => argv.join(' ').replace(/ -c .*/, ''));

    it('makes corosync reload its configuration, and Pacemaker forget the node', async () => {
      const changing = await withNodes(down(other), local, other);
      const answer = await changing.call('GET', `node/${other}/delete`);
      expect([answer.status, answer.text]).to.deep.equal([200, '""']);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local));
      expect(steps(changing)).to.deep.equal([
        'corosync -t',
        'corosync-cfgtool -R',
        `crm_node --force --remove ${other}`,
      ]);
    });

    it('warns that other nodes have a file of their own', async () => {
      const changing = await withNodes(down(other), local, other, 'third');
      const { headers, status } = await changing.call('DELETE', `node/${other}`);
      expect([status, headers['x-ha-warnings']]).to.deep.equal([
        200,
        [
          `199 ha-agent "corosync.conf was changed only on this node. Delete ${other} on each of the other nodes too."`,
          '199 ha-agent "two_node is now on in corosync.conf: each of the two remaining nodes keeps quorum alone, but waits for the other one when the cluster starts."',
        ].join(', '),
      ]);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.include('two_node: 1');
    });

    it('continues where it stopped if the file no longer has the node', async () => {
      const changing = await withNodes(down(other), local);
      expect((await changing.call('DELETE', `node/${other}`)).status).to.equal(200);
      expect(steps(changing)).to.deep.equal([`crm_node --force --remove ${other}`]);
    });

    it('is not complete while Pacemaker goes on listing the node', async () => {
      const changing = await withNodes(down(other), local, other);
      changing.cluster.answers.set('crm_node', ({ argv }) =>
        success(argv.includes('--list') ? `1 ${other} lost\n` : `${local}\n`),
      );
      const answer = await changing.call('GET', `node/${other}/delete`);
      expect(outcomeOf(answer)).to.deep.equal([409, 'node_not_forgotten']);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local));
    });

    it('is refused if the node is online, this node itself, or unknown', async () => {
      const changing = await withNodes(new Map(), local, other);
      for (const [name, outcome] of [
        [other, [409, 'node_online']],
        [local, [409, 'node_is_local']],
        ['unknown', [404, 'node_not_found']],
      ] as const) {
        expect(outcomeOf(await changing.call('GET', `node/${name}/delete`))).to.deep.equal(outcome);
      }
      expect(steps(changing)).to.deep.equal([]);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local, other));
    });

    it('is refused while corosync still runs on the node, because the node votes', async () => {
      const changing = await withNodes(down(other), local, other);
      changing.cluster.answers.set('crm_node', ({ argv }) =>
        success(argv.includes('--list') ? `1 ${other} member\n` : `${local}\n`),
      );
      const answer = await changing.call('GET', `node/${other}/delete`);
      expect(outcomeOf(answer)).to.deep.equal([409, 'node_online']);
      expect((answer.body as { detail: string }).detail).to.include('but corosync does');
      expect(steps(changing)).to.deep.equal([]);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local, other));
    });

    it('is refused if the file does not show which node it is', async () => {
      const changing = await withNodes(down(other), local, other, other);
      const answer = await changing.call('GET', `node/${other}/delete`);
      expect(outcomeOf(answer)).to.deep.equal([409, 'node_not_matched']);
      expect(steps(changing)).to.deep.equal([]);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(
        conf(local, other, other),
      );
    });

    it('leaves the file as it was if corosync does not reload it', async () => {
      const changing = await withNodes(down(other), local, other);
      changing.cluster.answers.set('corosync-cfgtool', ({ argv }) =>
        argv[1] === '-R'
          ? { exitCode: 1, stdout: '', stderr: 'Could not reload configuration. Error 2\n' }
          : success('Local node ID 2, transport knet\n'),
      );
      const answer = await changing.call('GET', `node/${other}/delete`);
      expect(outcomeOf(answer)).to.deep.equal([503, 'tool_failed']);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local, other));
      expect(steps(changing).join()).not.to.include('--remove');
    });

    it('warns if corosync still expects the vote of the node', async () => {
      const changing = await withNodes(down(other), local, other, 'third');
      changing.cluster.answers.set('corosync-quorumtool', () =>
        success('Quorate: Yes\nExpected votes: 3\n'),
      );
      const { status, headers } = await changing.call('DELETE', `node/${other}`);
      expect(status).to.equal(200);
      expect(headers['x-ha-warnings']).to.include(
        "Corosync still expects 3 votes ('corosync-quorumtool -s' shows it); it will expect 2",
      );
      expect(steps(changing)).to.include('corosync-quorumtool -e 2');
    });

    it('succeeds with a warning if corosync cannot say how many votes it expects', async () => {
      const changing = await withNodes(down(other), local, other);
      changing.cluster.answers.set('corosync-quorumtool', () => ({
        exitCode: 1,
        stdout: '',
        stderr: 'Cannot initialize QUORUM service\n',
      }));
      const { status, headers } = await changing.call('DELETE', `node/${other}`);
      expect(status).to.equal(200);
      expect(headers['x-ha-warnings']).to.include(
        'Corosync could not be asked whether it expects 1 votes now: Corosync is not running',
      );
    });

    it('leaves the file alone for a remote node', async () => {
      const state: FakeCluster['answers'] = new Map([
        [
          'crm_mon',
          () =>
            success(
              '<crm_mon version="2"><nodes><node name="r" id="r" online="false" type="remote"/></nodes></crm_mon>',
            ),
        ],
      ]);
      const changing = await withNodes(state, local, 'r');
      expect((await changing.call('DELETE', 'node/r')).status).to.equal(200);
      expect(await readFile(changing.paths.corosyncConf, 'utf8')).to.equal(conf(local, 'r'));
    });

    it('succeeds if corosync does not run or has no file', async () => {
      const changing = await withNodes(down(other), local, other);
      changing.cluster.answers.set('corosync-cfgtool', () => ({
        exitCode: 1,
        stdout: '',
        stderr: 'Could not initialize corosync configuration API error 2\n',
      }));
      expect((await changing.call('DELETE', `node/${other}`)).status).to.equal(200);
      await rm(changing.paths.corosyncConf);
      expect((await changing.call('DELETE', `node/${other}`)).status).to.equal(200);
    });
  });
});
