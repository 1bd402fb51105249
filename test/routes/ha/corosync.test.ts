import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { expect } from 'chai';

import type { Role } from '../../../src/access/roles.ts';
import { Fault } from '../../../src/kit/fault.ts';
import type { Run } from '../../../src/kit/exec.ts';
import type { Paths } from '../../../src/bin/wiring/paths.ts';
import { appBench, noPaths, recordedPaths } from '../../support/app-bench.ts';
import {
  contractExample,
  fixtureText,
  generations,
  madeUp,
  type Recorded,
  recorded,
} from '../../support/fixtures.ts';
import { strictRun } from '../../support/strict-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const verify = ['corosync', '-t'];

/** Removes the name of the shown copy from the command, because recordings do not have it. */
const withoutCopy =
  (run: Run): Run =>
  (command) =>
    run(command.argv[0] === 'corosync' ? { ...command, argv: ['corosync', '-t'] } : command);

describe('corosync', () => {
  const folder = temporaryFolder();

  /** The app on a node with these files and these answers of its tools. */
  async function bench(
    { conf, key }: { conf?: string; key?: Buffer } = {},
    role: Role = 'viewer',
    ...answers: readonly Recorded[]
  ) {
    const paths: Paths = {
      ...noPaths,
      corosyncConf: join(folder.path, 'corosync.conf'),
      corosyncKey: join(folder.path, 'authkey'),
    };
    if (conf !== undefined) await writeFile(paths.corosyncConf, conf);
    if (key !== undefined) await writeFile(paths.corosyncKey, key);
    const judged = conf === undefined ? [] : [madeUp(verify, '')];
    const { run, done } = strictRun(...judged, ...answers);
    return { ...(await appBench(folder.path, withoutCopy(run), paths, role)), done };
  }

  for (const [what, conf] of [
    ['larger than 1 MiB', `totem {\n}\n${'#\n'.repeat(600_000)}`],
    ['with sections nested deeper than corosync allows', 'totem {\n'.repeat(100_000)],
  ] as const) {
    it(`says that a corosync.conf ${what} cannot be read`, async () => {
      const { get } = await bench({ conf });
      const { status, body } = await get('corosync');
      expect([status, (body as { code: string }).code]).to.deep.equal([
        503,
        'corosync_conf_unreadable',
      ]);
    });
  }

  describe('answers as the contract shows:', () => {
    const raw = contractExample('corosync-raw') as string;

    it('corosync', async () => {
      const { get } = await bench({ conf: raw });
      expect((await get('corosync')).text).to.equal(JSON.stringify(contractExample('corosync')));
    });

    it('corosync/raw', async () => {
      const { get } = await bench({ conf: raw });
      expect((await get('corosync/raw')).text).to.equal(JSON.stringify(raw));
    });

    it('corosync/verify', async () => {
      const text = contractExample('corosync-verify') as string;
      const answer = { argv: verify, exitCode: 0, stdout: '', stderr: text };
      const { get } = await bench({}, 'viewer', answer);
      expect((await get('corosync/verify')).text).to.equal(JSON.stringify(text));
    });

    it('corosync/key', async () => {
      const example = contractExample('corosync-key') as { key: string };
      const { get } = await bench({ key: Buffer.from(example.key, 'hex') }, 'admin');
      expect((await get('corosync/key')).text).to.equal(JSON.stringify(example));
    });
  });

  for (const generation of generations) {
    describe(`on ${generation.suite}`, () => {
      const paths = recordedPaths(generation);
      const started = async (...answers: readonly Recorded[]) => {
        const { run, done } = strictRun(...answers);
        return { ...(await appBench(folder.path, withoutCopy(run), paths)), done };
      };

      it('shows the configuration that pcs made', async () => {
        const { get } = await started(recorded(generation, 'corosync', 'running'));
        const { body } = await get('corosync');
        expect(body).to.have.nested.property('totem.cluster_name', 'dolocoin');
        expect(body).to.have.nested.property('nodelist.node[1].name', '5e7638bc');
        const version = generation.versions['cat'] ?? '';
        expect((await get('corosync/raw')).body).to.equal(
          fixtureText(`cat/${version}/corosync-conf/stdout`),
        );
      });

      for (const [name, valid] of [
        ['running', true],
        ['invalid', false],
      ] as const) {
        it(`says that a configuration is ${valid ? 'valid' : 'not valid'}, with the text of corosync`, async () => {
          const answer = recorded(generation, 'corosync', name);
          const { get, done } = await started(answer);
          const { status, body, headers } = await get('corosync/verify');
          expect([status, headers['x-ha-valid']]).to.deep.equal([200, `${valid}`]);
          expect(body).to.equal(answer.stderr).and.not.to.equal('');
          done();
        });

        it(`marks a shown configuration as ${valid ? 'valid' : 'not valid'}`, async () => {
          const { get, done } = await started(recorded(generation, 'corosync', name));
          const { status, headers } = await get('corosync');
          expect([status, headers['x-ha-valid']]).to.deep.equal([200, `${valid}`]);
          done();
        });
      }

      it('shows the links and the quorum, read once for several callers', async () => {
        const { get, done } = await started(
          recorded(generation, 'corosync-cfgtool', 'running'),
          recorded(generation, 'corosync-quorumtool', 'running'),
        );
        for (let poll = 0; poll < 3; poll += 1) {
          expect((await get('corosync/rings')).body).to.have.nested.property(
            'links[0].nodes[1].status',
            'connected',
          );
          expect((await get('quorum')).body).to.include({ quorate: true, nodes: '2' });
        }
        done();
      });

      it('shows the quorum state if there is no quorum', async () => {
        const { get } = await started(recorded(generation, 'corosync-quorumtool', 'inquorate'));
        const { status, body } = await get('quorum');
        expect(status).to.equal(200);
        expect(body).to.include({ quorate: false });
      });

      for (const [route, tool] of [
        ['corosync/rings', 'corosync-cfgtool'],
        ['quorum', 'corosync-quorumtool'],
      ] as const) {
        it(`answers 503 on ${route} of a stopped cluster`, async () => {
          const answer = recorded(generation, tool, 'stopped');
          const { get } = await started(answer);
          const { status, body } = await get(route);
          expect(status).to.equal(503);
          expect(body).to.deep.include({
            code: 'cluster_not_running',
            command: answer.argv,
            exitCode: 1,
            stderr: answer.stderr,
          });
        });
      }

      it('answers 503 with another code on quorum of a cluster without a provider', async () => {
        const { get } = await started(
          recorded(generation, 'corosync-quorumtool', 'udpu-without-votequorum'),
        );
        const { status, body } = await get('quorum');
        expect([status, (body as { code: string }).code]).to.deep.equal([503, 'tool_failed']);
      });
    });
  }

  it('answers 404 without a configuration, and says what to do', async () => {
    const { get } = await bench();
    for (const route of ['corosync', 'corosync/raw']) {
      const { status, body } = await get(route);
      expect(status).to.equal(404);
      expect(body).to.include({ code: 'corosync_conf_not_found' });
      expect(body).to.have.property('detail').that.includes('pcs cluster setup');
    }
  });

  it('gives corosync a copy that logs only to stderr, and shows the name of the original file', async () => {
    const corosyncConf = join(folder.path, 'corosync.conf');
    await writeFile(corosyncConf, 'logging {\n\tto_logfile: yes\n}\n');
    await mkdir(join(folder.path, 'uidgid.d'));
    let seen = '';
    const run: Run = async ({ argv }) => {
      const copy = argv[3] ?? '';
      const besides = await readdir(dirname(copy));
      seen = `${await readFile(copy, 'utf8')}${besides.join(' ')} ${(await stat(copy)).mode & 0o777}`;
      return { exitCode: 8, stdout: '', stderr: `${copy}:1 ${dirname(copy)}/uidgid.d/x:2\n` };
    };
    const { get } = await appBench(folder.path, run, { ...noPaths, corosyncConf });
    expect((await get('corosync/verify')).body).to.equal(
      `${corosyncConf}:1 ${folder.path}/uidgid.d/x:2\n`,
    );
    expect(seen).to.equal(
      `logging {\nto_logfile: no\n}\n\nlogging {\nto_stderr: yes\nto_syslog: no\n}\ncorosync.conf uidgid.d 384`,
    );
  });

  it('shows the configuration even if corosync cannot check it', async () => {
    const corosyncConf = join(folder.path, 'corosync.conf');
    await writeFile(corosyncConf, 'totem {\n}\n');
    const run: Run = () => Promise.reject(new Fault('tool_missing', 'not installed'));
    const { get } = await appBench(folder.path, run, { ...noPaths, corosyncConf });
    const { status, body, headers } = await get('corosync');
    expect([status, body]).to.deep.equal([200, { totem: {} }]);
    expect(headers).not.to.have.property('x-ha-valid');
  });

  it('masks a key in the configuration', async () => {
    const conf = 'totem {\n\tkey: verysecret\n#key:verysecret\n\tkeyfile: /etc/k\n\ttoken: 1\n}\n';
    const { get } = await bench({ conf }, 'admin');
    expect((await get('corosync')).body).to.deep.equal({
      totem: { key: '********', keyfile: '/etc/k', token: '1' },
    });
    expect((await get('corosync/raw')).body).to.equal(conf.replaceAll('verysecret', '********'));
  });

  it('recognizes faulty rings by the exit code of older versions', async () => {
    const stdout = 'RING ID 0\n\tid\t= ::1\n\tstatus\t= FAULTY\n';
    const answer = { argv: ['corosync-cfgtool', '-s'], exitCode: 1, stdout, stderr: '' };
    const { get } = await bench({}, 'viewer', answer);
    expect((await get('corosync/rings')).status).to.equal(200);
  });

  it('does not invent a quorum that the tool does not report', async () => {
    const answer = { argv: ['corosync-quorumtool', '-s'], exitCode: 0, stdout: '', stderr: '' };
    const { get } = await bench({}, 'viewer', answer);
    const { status, body } = await get('quorum');
    expect([status, (body as { code: string }).code]).to.deep.equal([500, 'unreadable_output']);
  });

  describe('key', () => {
    const key = Buffer.from('0102fdfeff', 'hex');
    const auditFile = () => join(folder.path, 'audit.jsonl');

    it('is shown to an admin, with Cache-Control: no-store, and recorded', async () => {
      const { get, lines } = await bench({ key }, 'admin');
      const { status, text, headers } = await get('corosync/key');
      expect([status, text]).to.deep.equal([200, '{"key":"0102fdfeff"}']);
      expect(headers).to.include({ 'cache-control': 'no-store' }).and.not.to.have.property('etag');
      const audited = await readFile(auditFile(), 'utf8');
      expect(JSON.parse(audited)).to.include({
        caller: 'test',
        role: 'admin',
        method: 'GET',
        route: '/api/v2/system/ha/corosync/key',
        outcome: 'success',
      });
      expect(audited + JSON.stringify(lines)).not.to.include('0102fdfeff');
    });

    it('is shown to nobody else', async () => {
      for (const role of ['viewer', 'operator'] as const) {
        await mkdir(join(folder.path, role));
        const { run } = strictRun();
        const { get } = await appBench(join(folder.path, role), run, noPaths, role);
        const { status, body } = await get('corosync/key');
        expect([status, (body as { code: string }).code]).to.deep.equal([403, 'role_required']);
      }
    });

    it('is not shown if that cannot be recorded', async () => {
      await mkdir(auditFile());
      const { get } = await bench({ key }, 'admin');
      const { status, body, text } = await get('corosync/key');
      expect([status, (body as { code: string }).code]).to.deep.equal([503, 'audit_failed']);
      expect(text).not.to.include('0102fdfeff');
    });

    it('answers 404 if there is none', async () => {
      const { get } = await bench({}, 'admin');
      const { status, body } = await get('corosync/key');
      expect([status, (body as { code: string }).code]).to.deep.equal([
        404,
        'corosync_key_not_found',
      ]);
    });
  });

  it('lets a web page read its headers', async () => {
    const { get } = await bench();
    expect((await get('corosync')).headers['access-control-expose-headers']).to.equal(
      'X-Request-Id,ETag,Age,Retry-After,X-HA-Source,X-HA-Warnings,X-HA-Valid',
    );
  });
});
