import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { expect } from 'chai';
import { execa } from 'execa';
import sinon from 'sinon';

import { lineageByRoot } from '../../../src/alphorn/peers/lineage-by-root.ts';
import type { FaultCode } from '../../../src/kit/fault.ts';
import { alphornCommand } from '../../../src/bin/hactl/alphorn.ts';
import { NotWell } from '../../../src/bin/hactl/failure.ts';
import type { Paths } from '../../../src/bin/wiring/paths.ts';
import { faultOf } from '../../support/faults.ts';
import { storeLiferaft } from '../../support/liferafts.ts';
import { growTree, treeOf } from '../../support/restore-bench.ts';
import { hactlEnvironment, hactlPaths } from '../../support/hactl-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const name = 'liferaft_1234abcd.tar';
const before = { '/etc': 'folder 755 0:0', '/etc/hosts': 'file 644 0:0 ::1' };

describe('hactl alphorn', () => {
  const folder = temporaryFolder();
  hactlEnvironment(folder);
  let paths: Paths;

  beforeEach(async () => {
    paths = hactlPaths(folder.path);
    await writeFile(paths.alphorn.passwd, 'root:x:0:0::/:/\n');
    await writeFile(paths.alphorn.group, 'root:x:0:\n');
    await mkdir(paths.alphorn.root);
    await growTree(paths.alphorn.root, before);
    await storeLiferaft(paths.alphorn.liferafts, {
      folders: { '/etc': {}, '/etc/x': {} },
      files: {
        '/etc/hosts': { content: '127.0.0.1', mode: 0o600 },
        '/etc/x/\u001b[2J': '',
      },
      links: { '/etc/l': { target: 'x' } },
    });
  });

  const audited = async () => {
    const text = await readFile(join(folder.path, 'state/audit.jsonl'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const { caller, route, outcome } = JSON.parse(line) as Record<string, string>;
        return `${caller ?? ''}: ${route ?? ''}: ${outcome ?? ''}`;
      });
  };

  /** @returns the printed lines, and the finding */
  async function judged(...argv: string[]): Promise<{ lines: string[]; notWell?: NotWell }> {
    const log = sinon.stub(console, 'log');
    const lines = () => log.args.map((args) => String(args[0]));
    try {
      await alphornCommand(paths).parseAsync(argv, { from: 'user' });
      return { lines: lines() };
    } catch (error) {
      if (error instanceof NotWell) return { lines: lines(), notWell: error };
      throw error;
    } finally {
      log.restore();
    }
  }
  const hactl = async (...argv: string[]) => (await judged(...argv)).lines;
  const json = async (...argv: string[]) =>
    JSON.parse((await hactl(...argv, '--json')).join('\n')) as unknown;
  const tree = () => treeOf(paths.alphorn.root);

  it('lists the liferafts on this host', async () => {
    const [head, line] = await hactl('list');
    expect(head).to.match(/^NAME +HOST +GENERATION +BYTES +MADE +SEEN$/);
    expect(line).to.match(
      /^liferaft_1234abcd\.tar {2}lost +1 +\d+ +2026-01-02T03:04:05\.678Z {2}20/,
    );
    await writeFile(join(paths.alphorn.liferafts, 'liferaft_00000000.tar'), 'x');
    expect((await hactl('list'))[1]).to.match(/^liferaft_00000000\.tar +damaged$/);
    expect(await json('list')).to.have.length(2);
  });

  it('shows the content of a liferaft, and escapes names that would move the cursor', async () => {
    expect(await hactl('show', name)).to.deep.equal([
      'Host 1234abcd (lost), generation 1, made 2026-01-02T03:04:05.678Z',
      'MODE   OWNER      BYTES  PATH',
      'd0755  root:root  -      /etc/',
      '-0600  root:root  9      /etc/hosts',
      'l      root:root  -      /etc/l -> x',
      'd0755  root:root  -      /etc/x/',
      '-0644  root:root  0      /etc/x/?[2J',
    ]);
    expect(await json('show', name)).to.have.keys(
      ...['format', 'host', 'lineage', 'generation', 'time', 'folders', 'files', 'links'],
    );
  });

  it('shows the differences, restores them, and undoes the restore', async () => {
    const differences = [
      '/etc/x: create folder',
      '/etc/hosts: content, mode 0644 -> 0600',
      '/etc/l: create link',
      '/etc/x/?[2J: create file',
    ];
    expect(await hactl('diff', name)).to.deep.equal([...differences, '4 differ, 1 are the same.']);
    expect(await hactl('restore', name, '--dry-run')).to.deep.equal([
      ...differences,
      'Nothing was changed; this is what a restore would change.',
    ]);
    expect(await tree()).to.deep.equal(before);

    const restored = await hactl('restore', name);
    expect(restored.slice(0, 4)).to.deep.equal(differences);
    expect(restored[4]).to.match(/^Restored 4 paths\. .*'hactl alphorn undo' puts it back\.$/);
    expect((await tree())['/etc/hosts']).to.equal('file 600 0:0 127.0.0.1');
    expect((await hactl('restore', name)).at(-1)).to.equal('Nothing had to be changed.');
    expect((await hactl('undo')).at(-1)).to.match(
      /^3 paths are as they were before the restore of /,
    );
    expect(await tree()).to.deep.equal(before);
    await faultOf('nothing_to_undo', hactl('undo'));
  });

  it('shows what a restore leaves as it is, and restores the modes of folders on request', async () => {
    await mkdir(paths.alphorn.rules);
    await writeFile(join(paths.alphorn.rules, 'a.json'), '{"include": ["/etc"]}');
    await writeFile(join(paths.alphorn.root, 'etc/only-here'), '');
    await chmod(join(paths.alphorn.root, 'etc'), 0o711);
    const staying = [
      'These folders stay as they are; --folders restores their modes and owners:',
      '/etc: mode 0711 -> 0755',
      'These exist only on this host, and stay:',
      '/etc/only-here',
    ];
    const said = await hactl('diff', name);
    expect(said).to.include.members(staying);
    expect(said.at(-1)).to.equal('4 differ, 1 are the same.');
    const restored = await hactl('restore', name, '--folders');
    expect(restored).to.include('/etc: mode 0711 -> 0755').and.not.to.include(staying[0]);
    expect((await stat(join(paths.alphorn.root, 'etc'))).mode & 0o777).to.equal(0o755);
    await hactl('undo');
    expect((await stat(join(paths.alphorn.root, 'etc'))).mode & 0o777).to.equal(0o711);
  });

  it('restores named paths, and replaces later changes only by force', async () => {
    await hactl('restore', name, '/etc/l', '/etc/hosts');
    expect(Object.keys(await tree())).to.deep.equal(['/etc', '/etc/hosts', '/etc/l']);
    await writeFile(join(paths.alphorn.root, 'etc/hosts'), 'changed');
    await faultOf('changed_since_restore', hactl('undo'));
    await hactl('undo', '--force');
    expect(await tree()).to.deep.equal(before);
  });

  it('first shows the changes of users and groups, and replaces the lists only on request', async () => {
    const passwd = (...each: string[]) => each.map((line) => `${line}::/:/\n`).join('');
    await growTree(paths.alphorn.root, {
      '/etc/passwd': `file 644 0:0 ${passwd('root:x:0:0:', 'svc:x:998:0:', 'app:x:110:0:', 'old:x:111:0:')}`,
      '/srv/svc': 'file 600 998:0 ',
      '/srv/app': 'file 600 110:0 ',
    });
    await storeLiferaft(paths.alphorn.liferafts, {
      files: {
        '/etc/passwd': passwd('root:x:0:0:', 'app:x:111:0:'),
        '/etc/app': { content: '', user: 'app', uid: 111 },
      },
    });
    const merged = await hactl('diff', name);
    expect(merged).to.include.members([
      'user app gets the number 111 instead of 110',
      'Files outside of the liferaft that change owner with their account: 1',
      '  /srv/app: owner 110:0 -> 111:0',
    ]);
    expect(merged.join('\n')).to.match(/Searched for such files: .*at most \d+ paths/);
    const replaced = await hactl('restore', name, '--dry-run', '--replace-users');
    expect(replaced).to.include.members([
      'user svc vanishes (number 998)',
      'user old vanishes (number 111); app gets that number, and so the files of old',
      'Files outside of the liferaft that will have no owner: 1',
      '  /srv/svc: owner 998:0',
    ]);
    await hactl('restore', name);
    expect((await tree())['/etc/passwd'])
      .to.include('svc:x:998:')
      .and.to.include('app:x:111:');
    expect((await tree())['/srv/app']).to.equal('file 600 111:0 ');
    await hactl('restore', name, '--replace-users');
    expect((await tree())['/etc/passwd']).not.to.include('svc');
    expect((await audited()).at(-1)).to.include('restore --replace-users');
  });

  it('exports a liferaft for another host, in a file for root only', async () => {
    const file = join(folder.path, 'carried.tar');
    await hactl('export', name, file);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readFile(file)).to.deep.equal(await readFile(join(paths.alphorn.liferafts, name)));
    await faultOf('invalid_request', hactl('export', name, file));
    expect(await hactl('delete', name)).to.deep.equal([name]);
    expect(await hactl('import', file)).to.deep.equal([name]);
    expect(await hactl('diff', name)).to.have.length(5);
  });

  it('deletes named liferafts or all of them, and requires a name or --all', async () => {
    await storeLiferaft(paths.alphorn.liferafts, { host: { id: '00000001', name: 'one' } });
    await faultOf('invalid_request', hactl('delete'));
    await faultOf('invalid_request', hactl('delete', name, '--all'));
    await faultOf('liferaft_not_found', hactl('delete', '../passwd'));
    expect(await readdir(paths.alphorn.liferafts)).to.have.length(2);
    expect(await hactl('delete', 'liferaft_00000001.tar')).to.have.length(1);
    expect(await hactl('delete', '--all')).to.deep.equal([name]);
    expect(await readdir(paths.alphorn.liferafts)).to.deep.equal([]);
  });

  it('makes, prints and imports the key, for root only', async () => {
    const { key } = paths.alphorn;
    await faultOf('alphorn_without_key', hactl('key', 'export'));
    expect((await hactl('key', 'generate')).join()).to.include('hactl alphorn key import');
    const [first = ''] = await hactl('key', 'export');
    expect(first).to.match(/^[0-9a-f]{64}$/);
    expect((await stat(key)).mode & 0o777).to.equal(0o600);
    await hactl('key', 'generate');
    const second = await hactl('key', 'export');
    expect(second).not.to.deep.equal([first]);

    const file = join(folder.path, 'key.txt');
    await writeFile(file, `${first.toUpperCase()}\n`);
    await hactl('key', 'import', file);
    expect(await hactl('key', 'export')).to.deep.equal([first]);
    for (const wrong of ['', 'x', first.slice(1), `${first}00`, first.replace(/^./, 'g')]) {
      await writeFile(file, wrong);
      const { message } = await faultOf('invalid_request', hactl('key', 'import', file));
      if (wrong.length > 1) expect(message).not.to.include(wrong);
    }
    expect(await hactl('key', 'export')).to.deep.equal([first]);
  });

  it('starts the count of generations again for root only, with an audit record', async () => {
    expect((await hactl('rebuilt')).join()).to.include('hactl alphorn sync');
    const first = await lineageByRoot(paths.alphorn.own);
    expect(first).to.match(/^[0-9a-f]{32}$/);
    await hactl('rebuilt');
    expect(await lineageByRoot(paths.alphorn.own)).not.to.equal(first);
    expect((await audited()).at(-1)).to.equal('root: hactl alphorn rebuilt: success');
  });

  it('does not print a key that others can read', async () => {
    const { key } = paths.alphorn;
    await hactl('key', 'generate');
    await chmod(key, 0o640);
    const { message } = await faultOf('alphorn_key_refused', hactl('key', 'export'));
    expect(message).to.include('(mode 0640)').and.to.include('hactl alphorn key generate');
    await hactl('key', 'generate');
    await hactl('key', 'export');
  });

  it('records each change and each printed secret, and nothing else', async () => {
    const file = join(folder.path, 'carried.tar');
    await writeFile(join(folder.path, 'machine-id'), `${'0'.repeat(32)}\n`);
    await hactl('list');
    await hactl('show', name);
    await hactl('diff', name);
    await hactl('restore', name, '--dry-run');
    await hactl('status');
    await faultOf('alphorn_not_running', hactl('sync'));
    expect(await audited()).to.deep.equal([]);

    const done = async (outcome: string, ...argv: string[]) => {
      const before = (await audited()).length;
      await (outcome === 'success'
        ? hactl(...argv)
        : faultOf(outcome as FaultCode, hactl(...argv)));
      const route = `root: hactl alphorn ${argv.join(' ')}`;
      expect((await audited()).slice(before)).to.deep.equal([
        `${route}: begun`,
        `${route}: ${outcome}`,
      ]);
    };
    await done('success', 'restore', name);
    await done('success', 'restore', name, '/etc/hosts', '/etc/l');
    await done('path_not_in_liferaft', 'restore', name, '/etc/nothing');
    await done('success', 'undo');
    await done('nothing_to_undo', 'undo', '--force');
    await done('success', 'export', name, file);
    await done('success', 'delete', name);
    await done('success', 'import', file);
    await done('success', 'delete', '--all');
    await done('alphorn_without_key', 'key', 'export');
    await done('success', 'key', 'generate');
    await done('success', 'key', 'export');
    expect(JSON.stringify(await audited())).not.to.include((await hactl('key', 'export'))[0]);
  });

  it('does nothing that it cannot record', async () => {
    await mkdir(join(folder.path, 'state/audit.jsonl'), { recursive: true });
    for (const argv of [
      ['restore', name],
      ['undo'],
      ['delete', '--all'],
      ['export', name, join(folder.path, 'carried.tar')],
      ['import', join(paths.alphorn.liferafts, name)],
      ['key', 'generate'],
    ]) {
      await faultOf('audit_failed', hactl(...argv));
    }
    expect(await tree()).to.deep.equal(before);
    expect(await readdir(paths.alphorn.liferafts)).to.deep.equal([name]);
    expect(await readdir(folder.path)).not.to.include.members(['carried.tar', 'etc']);
  });

  it('exports nothing if there is no room, and leaves no partial file', async () => {
    const disk = join(folder.path, 'disk');
    await mkdir(disk);
    await storeLiferaft(paths.alphorn.liferafts, { files: { '/etc/large': 'x'.repeat(20_000) } });
    for (const options of ['size=4k', 'nr_inodes=1']) {
      await execa('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
      try {
        const file = join(disk, 'carried.tar');
        const { message } = await faultOf('no_space', hactl('export', name, file));
        expect(message).to.include(file);
        expect(await readdir(disk)).to.deep.equal([]);
      } finally {
        await execa('umount', [disk]);
      }
    }
  });

  it('lists a folder that has the name of a liferaft as damaged', async () => {
    await mkdir(join(paths.alphorn.liferafts, 'liferaft_00000000.tar'));
    expect((await hactl('list'))[1]).to.match(/^liferaft_00000000\.tar +damaged$/);
  });

  describe('with a sender that', () => {
    let server: Server | undefined;
    afterEach(() => {
      server?.closeAllConnections();
      server?.close();
    });
    async function answering(answer: (response: ServerResponse) => void): Promise<void> {
      server = createServer((_request, response) => {
        answer(response);
      }).listen(paths.alphorn.socket);
      await once(server, 'listening');
    }
    for (const [what, answer] of [
      ['answers nothing', (response) => response.end()],
      ['answers text that is not JSON', (response) => response.end('<html>')],
      ['answers null', (response) => response.end('null')],
      ['answers other JSON', (response) => response.end('{"running": true}')],
      [
        'answers JSON with missing fields',
        (response) => response.end('{"running":true,"destinations":[{}]}'),
      ],
      ['fails', (response) => response.writeHead(500).end('x'.repeat(10_000))],
      ['hangs up', (response) => response.destroy()],
      ['answers without an end', (response) => Readable.from(endless()).pipe(response)],
    ] as [string, (response: ServerResponse) => void][]) {
      it(`${what}, reports that it does not answer, and not that it does not run`, async () => {
        await answering(answer);
        for (const command of ['status', 'sync']) {
          const { message } = await faultOf('alphorn_unresponsive', hactl(command));
          expect(message).to.match(/^Alphorn runs on this host and does not answer/);
          expect(message).to.have.length.below(1000);
        }
      });
    }

    it('leaves something out, prints what was left out and what is lacking, up to a limit', async () => {
      const leftOut = Array.from({ length: 50 }, (_, index) => ({
        path: `/etc/${index}`,
        why: 'It is a fifo.',
        essential: index === 0,
        kept: index === 1,
      }));
      const liferaft = { generation: 7, files: 3, bytes: 9, madeAt: '', leftOut };
      const status = { running: true, enabled: true, interval: 30_000, destinations: [] };
      await answering((response) =>
        response.end(JSON.stringify({ ...status, liferaft: { ...liferaft, leftOutMore: 4 } })),
      );
      const { lines, notWell } = await judged('status');
      expect(lines[0]).to.match(/^WARNING: There is no destination.* \(and 1 more\)$/);
      expect(notWell?.ending).to.equal('warning');
      expect(notWell?.message).to.match(/^There is no destination[^\n]*\n54 of the paths /);
      expect(lines.slice(3, 6)).to.deep.equal([
        'Lacking: /etc/0: It is a fifo.',
        'Kept as it was: /etc/1: It is a fifo.',
        'Left out: /etc/2: It is a fifo.',
      ]);
      expect(lines.at(-1)).to.equal('Left out: 14 more (-o json lists more of them)');
      expect(lines).to.have.lengthOf(44);
    });
  });

  it('shows that a liferaft is incomplete, and what it lacks', async () => {
    const lacking = [{ path: '/etc/shadow', why: 'It is not there.' }];
    await storeLiferaft(paths.alphorn.liferafts, { lacking });
    expect((await hactl('list'))[1]).to.match(/^liferaft_1234abcd.tar +lost +1 .*Z, not whole$/);
    expect((await hactl('show', name))[1]).to.equal('Lacking: /etc/shadow: It is not there.');
  });

  describe('a sync', () => {
    const destination = (state: string, detail?: string) => ({
      destination: `${state}.example`,
      state,
      lastSuccess: null,
      lagMs: null,
      lastError: detail === undefined ? null : { at: 'T', code: 'peer_refused', detail },
    });
    const status = {
      running: true,
      enabled: true,
      interval: 1000,
      host: null,
      liferaft: null,
      error: null as object | null,
      destinations: [destination('synced'), destination('self')],
    };
    const lines = 'first line\nsecond line';

    let server: Server | undefined;
    afterEach(() => server?.close());
    async function answering(answer: object): Promise<void> {
      server = createServer((_request, response) => response.end(JSON.stringify(answer)));
      server.listen(paths.alphorn.socket);
      await once(server, 'listening');
    }

    it('succeeds if all destinations have the liferaft, and so does a status', async () => {
      await answering(status);
      for (const command of ['sync', 'status']) {
        const { lines, notWell } = await judged(command);
        expect(notWell).to.equal(undefined);
        expect(lines[0]).to.equal('OK: every destination has the current liferaft.');
        expect(lines.at(-1)).to.match(/^self\.example/);
      }
    });

    for (const [what, answer, ending, names] of [
      [
        'a destination fails',
        { ...status, destinations: [...status.destinations, destination('failing', 'No.')] },
        'failing',
        'failing.example is failing: No.',
      ],
      [
        'a destination does not have it yet',
        { ...status, destinations: [destination('pending')] },
        'warning',
        'pending.example is pending',
      ],
      [
        'there is an error',
        { ...status, error: { code: 'x', detail: 'Wrong.' } },
        'failing',
        'Wrong.',
      ],
      [
        'it is not enabled',
        { ...status, enabled: false, destinations: [] },
        'warning',
        'not enabled',
      ],
    ] as const) {
      it(`is ${ending} when ${what}, in text and JSON, and so is a status`, async () => {
        await answering(answer);
        for (const command of ['sync', 'status']) {
          const { lines, notWell } = await judged(command);
          expect(notWell?.ending).to.equal(ending);
          expect(notWell?.message).to.include(names);
          expect(lines[0]).to.match(new RegExp(`^${ending.toUpperCase()}: `));
          const asJson = await judged(command, '-o', 'json');
          expect(asJson.notWell?.ending).to.equal(ending);
          expect(JSON.parse(asJson.lines.join('\n'))).to.deep.include(answer);
        }
      });
    }

    it('shows an error of several lines as separate lines', async () => {
      await answering({
        ...status,
        error: { code: 'x', detail: lines },
        destinations: [destination('failing', lines), destination('synced')],
      });
      const printed = await hactl('status');
      expect(printed.join('\n')).not.to.include('?');
      expect(printed).to.include.members(['Error: first line', '  second line']);
      const failing = printed.findIndex((line) => line.startsWith('failing.example'));
      expect(printed[failing]).to.match(/T peer_refused: first line$/);
      expect(printed[failing + 1]).to.match(/^ +second line$/);
      expect(printed[failing + 2]).to.match(/^synced\.example/);
    });
  });

  it('shows the status while the sender does not run', async () => {
    await writeFile(paths.alphorn.machineId, `${'0'.repeat(32)}\n`);
    const [, second, third] = await hactl('status');
    expect(second).to.match(/^Alphorn does not run on this host/);
    expect(third).to.match(/^Host [0-9a-f]{8} \(/);
    expect(await json('status')).to.deep.include({ running: false, enabled: false });
    await faultOf('alphorn_not_running', hactl('sync'));
  });
});

function* endless(): Generator<string> {
  for (;;) yield 'x'.repeat(2 ** 16);
}
