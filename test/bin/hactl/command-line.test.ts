import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { argvOf, compiledEnv } from '../../support/run-and-kill.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const hactlPath = pathOf('../../../src/bin/hactl.ts');

interface Ended {
  code: number | string | null;
  stdout: string;
  stderr: string;
}

describe('the command line of hactl', () => {
  const folder = temporaryFolder();
  const state = () => join(folder.path, 'state');

  /** @param shell in which `$HACTL` is the command */
  async function shell(script: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const env = {
      ...process.env,
      HA_AGENT_CONFIG: join(folder.path, 'config.json'),
      HA_AGENT_STATE_DIRECTORY: state(),
      HACTL: argvOf(hactlPath).join(' '),
      ...compiledEnv,
      ...environment,
    };
    return run('bash', ['-c', script], { env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as Ended,
    );
  }
  const hactl = (args: string, environment?: NodeJS.ProcessEnv) =>
    shell(`$HACTL ${args}`, environment);

  /** Each line of the error is one sentence about what is wrong or what to do. There is no stack. */
  function expectError({ code, stdout, stderr }: Ended, exitCode: number, text: string): void {
    const lines = stderr.split('\n').slice(0, -1);
    expect(stderr)
      .to.match(/^hactl: /)
      .and.to.include(text);
    for (const line of lines)
      expect(line)
        .to.match(/\.$/)
        .and.not.to.match(/\. ['A-Z]/);
    for (const line of lines.slice(1)) expect(line).to.match(/^ {2}['A-Z]/);
    expect([code, stdout], stderr).to.deep.equal([exitCode, '']);
  }

  async function onFullDisk(options: string, work: () => Promise<void>): Promise<void> {
    await mkdir(state(), { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', state()]);
    try {
      await work();
    } finally {
      await run('umount', [state()]);
    }
  }
  const audited = async () => {
    const text = await readFile(join(state(), 'audit.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { id: string; outcome: string });
  };

  for (const [args, text] of [
    ['', 'A command is missing'],
    ['alphorn', 'A command is missing'],
    ['nothing', "Unknown command 'nothing'"],
    ['token revoke', "Missing required argument 'name'"],
    ['token create a', '--role'],
    ['token create a --role viewer --expires 90', 'such as 90d'],
    ['token create a/b --role viewer', "cannot be a token's name"],
    [`token create a --role viewer --tenant ${'x'.repeat(37)}`, 'cannot be a tenant'],
    ['audit --nothing', "Unknown option '--nothing'"],
    ['token list more', 'Too many arguments'],
    ['token list -o xml', "argument 'xml' is invalid"],
    ['alphorn delete', 'use --all'],
    ['alphorn key import /nothing', 'There is no file /nothing'],
    ['alphorn key import /etc', '/etc is a folder'],
    ['alphorn key import /dev/zero', 'This is no key'],
    ['alphorn key import < /dev/zero', 'This is no key'],
  ] as const) {
    it(`rejects 'hactl ${args}' as wrong use, and exits with 64`, async () => {
      expectError(await hactl(args), 64, text);
    });
  }

  it('--version prints the version of the package', async () => {
    const manifest = await readFile(pathOf('../../../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await hactl('--version')).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints the requested help, and exits with 0', async () => {
    for (const args of ['help', 'alphorn key --help']) {
      const { code, stdout, stderr } = await hactl(args);
      expect([code, stderr], args).to.deep.equal([0, '']);
      expect(stdout).to.match(/^Usage: hactl /);
    }
  });

  it('creates, lists and revokes tokens, each recorded before and after', async () => {
    const { stdout, stderr } = await hactl('token create a --role viewer --expires 1d');
    expect([stdout.trim(), stderr]).to.deep.equal([stdout.trim().match(/^[0-9a-f]{64}$/)?.[0], '']);
    expect((await hactl('token list')).stdout).to.match(/^NAME +ROLE.*\na +viewer/);
    expectError(await hactl('token create a --role viewer'), 4, "There is a token 'a' already");
    await hactl('token revoke a');
    expectError(await hactl('token revoke a'), 4, "There is no token 'a'");
    const lines = await audited();
    const made = {
      caller: 'root',
      role: 'admin',
      method: 'CLI',
      route: 'hactl token create a --role viewer',
    };
    expect(lines[0]).to.deep.include({ ...made, outcome: 'begun' });
    expect(lines[1]).to.deep.include({ ...made, outcome: 'success', id: lines[0]?.id });
    expect(lines.map(({ outcome }) => outcome)).to.deep.equal([
      'begun',
      'success',
      'begun',
      'token_exists',
      'begun',
      'success',
      'begun',
      'token_not_found',
    ]);
    expect(JSON.stringify(lines)).not.to.include(stdout.trim());
    expect((await hactl('audit')).stdout).to.match(
      / success root \(admin\) CLI hactl token create a --role viewer\n/,
    );
  });

  it('prints JSON with -o json and --json, and otherwise a table', async () => {
    const made = await hactl('token create a --role viewer -o json');
    const { token, ...others } = JSON.parse(made.stdout) as { token: string };
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(others).to.deep.equal({ name: 'a', role: 'viewer' });
    const list = await hactl('token list -o json');
    const [first, ...more] = JSON.parse(list.stdout) as object[];
    expect(more).to.deep.equal([]);
    // A key that the last release did not print is there only for tokens that it did not know.
    expect(first).to.have.all.keys('name', 'role', 'created', 'expires');
    expect(await hactl('token list --json')).to.deep.equal(list);
    const table = await hactl('token list -o table');
    expect(table.stdout).to.match(/^NAME +ROLE/);
    expect(await hactl('token list')).to.deep.equal(table);
    const audit = await hactl('audit --verify -o json');
    expect(JSON.parse(audit.stdout)).to.deep.equal({ files: 1 });
  });

  it('damages no line of the audit log if many commands run at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await Promise.all(names.map((name) => hactl(`token create ${name} --role viewer`)));
    const lines = await audited();
    expect(lines.filter(({ outcome }) => outcome === 'begun')).to.have.length(names.length);
    expect(lines.filter(({ outcome }) => outcome === 'success')).to.have.length(names.length);
  });

  it('neither creates nor revokes a token if it cannot record that', async () => {
    await hactl('token create a --role viewer');
    await rm(join(state(), 'audit.jsonl'));
    await mkdir(join(state(), 'audit.jsonl'));
    expectError(await hactl('token create b --role viewer'), 2, 'recorded first');
    expectError(await hactl('token revoke a'), 2, 'recorded first');
    expect(await readdir(join(state(), 'tokens'))).to.deep.equal(['a.json']);
  });

  it('reports a full disk, and leaves nothing half done', async () => {
    // The disk has room for the state folder, the record, its reserve and the folder of tokens. It has no room for a
    // token.
    await onFullDisk('nr_inodes=4', async () => {
      expectError(await hactl('token create a --role viewer'), 2, 'room');
      expect(await readdir(join(state(), 'tokens'))).to.deep.equal([]);
    });
    await onFullDisk('size=4k', async () => {
      await writeFile(join(state(), 'ballast'), Buffer.alloc(4096));
      const ended = await hactl('token create a --role viewer');
      expectError(ended, 2, 'is full');
    });
  });

  it('verifies that closed files of the audit log are unchanged', async () => {
    await mkdir(state(), { recursive: true });
    const file = (name: string) => join(state(), name);
    const log = openAuditLog(file('audit.jsonl'), { maxBytes: 400, keepFiles: 10 });
    const entry = { caller: 'ui', role: 'admin', method: 'GET', route: 'x' } as const;
    for (let count = 0; count < 10; count += 1) await log.record({ ...entry, outcome: 'success' });
    const whole = await hactl('audit --verify');
    expect([whole.code, whole.stderr]).to.deep.equal([0, '']);
    expect(whole.stdout).to.match(/^The audit log is as it was written: [2-9] files\.\n$/);
    const closed = await readFile(file('audit-000001.jsonl'), 'utf8');
    await writeFile(file('audit-000001.jsonl'), closed.replace('"ui"', '"me"'));
    expectError(await hactl('audit --verify'), 2, 'audit-000001.jsonl was changed');
  });

  it('reports a read-only disk', async () => {
    await onFullDisk('ro', async () => {
      expectError(await hactl('token create a --role viewer'), 2, 'read-only');
      expectError(await hactl('token revoke a'), 2, 'read-only');
    });
  });

  it('reports a file in the place of its state folder', async () => {
    await writeFile(state(), '');
    expectError(await hactl('token list'), 4, 'is a file where a folder has to be');
    expectError(await hactl('token create a --role viewer'), 4, state());
    expectError(await hactl('audit'), 4, 'is a file where a folder has to be');
  });

  for (const [what, content, text] of [
    ['text that is not JSON', '{', 'expected JSON'],
    ['JSON that is not an object', '[]', 'expected a JSON object'],
    ['an unknown key', '{"a": 1}', 'unknown key'],
    ['a wrong value', '{"https_port": 0}', 'https_port'],
  ] as const) {
    it(`reports what is wrong with a configuration that has ${what}`, async () => {
      await writeFile(join(folder.path, 'config.json'), content);
      for (const args of ['token list', 'token create a --role viewer', 'audit']) {
        const ended = await hactl(args);
        expect([ended.code, ended.stdout]).to.deep.equal([2, '']);
        expect(ended.stderr)
          .to.match(/^hactl: /)
          .and.to.include(text);
        expect(ended.stderr).not.to.match(/^ +at /m);
      }
    });
  }

  it('reports a configuration file that is a folder', async () => {
    await mkdir(join(folder.path, 'config.json'));
    expectError(await hactl('token list'), 2, `${folder.path}/config.json cannot be read`);
  });

  it('shows the details of a failure on request', async () => {
    const { code, stderr } = await hactl('token revoke a', { HACTL_DEBUG: '1' });
    expect(code).to.equal(4);
    expect(stderr)
      .to.match(/^hactl: There is no token 'a'/)
      .and.to.match(/^ +at /m);
  });

  it('finishes its work and ends silently if the reader closes the output', async () => {
    const closed = `mkfifo "${folder.path}/p"; exec 3<>"${folder.path}/p" 4>"${folder.path}/p" 3<&-`;
    for (const args of ['token create a --role viewer', 'audit', 'help']) {
      const { code, stderr } = await shell(`${closed}; $HACTL ${args} >&4`);
      await rm(join(folder.path, 'p'));
      expect([code, stderr], args).to.deep.equal([141, '']);
    }
    expect((await audited()).map(({ outcome }) => outcome)).to.deep.equal(['begun', 'success']);
  });

  it('reports that its output cannot be written', async () => {
    const { code, stderr } = await shell('$HACTL token create a --role viewer > /dev/full');
    expect(code).to.equal(2);
    expect(stderr).to.match(/^hactl: The command was carried out, but [^\n]+ENOSPC/);
  });

  it('names damaged tokens, and lists the others', async () => {
    await hactl('token create a --role viewer');
    await writeFile(join(state(), 'tokens/b.json'), '{');
    await mkdir(join(state(), 'tokens/c.json'));
    const { code, stdout, stderr } = await hactl('token list');
    expect([code, stdout.trim().split('\n').length]).to.deep.equal([0, 2]);
    expect(stderr.match(/\/[bc]\.json is damaged/g)).to.deep.equal([
      '/b.json is damaged',
      '/c.json is damaged',
    ]);
  });

  describe('when a signal ends it', () => {
    /** @returns the output and the exit code or signal */
    async function ended(
      what: 'held' | 'free',
      during: (kill: NodeJS.Signals[]) => NodeJS.Signals[],
    ) {
      const child = spawn(process.execPath, ['--import', 'tsx', pathOf('held-off.ts'), what]);
      const texts = { stdout: '', stderr: '' };
      const signals = during([]);
      const sendNext = () => {
        const next = signals.shift();
        if (next) child.kill(next);
        else if (what === 'held') child.stdin.write('end\n');
      };
      child.stdout.on('data', (piece: Buffer) => {
        texts.stdout += piece.toString();
        if (piece.toString().includes('under way')) sendNext();
      });
      child.stderr.on('data', (piece: Buffer) => {
        texts.stderr += piece.toString();
        sendNext();
      });
      child.stdin.on('error', () => undefined);
      const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
        child.on('close', (...end) => {
          resolve(end);
        }),
      );
      return { ...texts, code, signal };
    }

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      it(`dies of ${signal} during a command without a change, and says that nothing was changed`, async () => {
        expect(await ended('free', () => [signal])).to.deep.equal({
          stdout: 'under way\n',
          stderr: `hactl: ${signal} ended hactl, and nothing was changed on this host.\n`,
          code: null,
          signal,
        });
      });
    }

    it('completes a change first', async () => {
      expect(await ended('held', () => ['SIGHUP'])).to.deep.equal({
        stdout: 'under way\ndone\n',
        stderr:
          'hactl: A change is under way and will be completed.\n  A second signal ends it half way.\n',
        code: 0,
        signal: null,
      });
    });

    it('stops a change halfway at the second signal', async () => {
      const { stdout, stderr, signal } = await ended('held', () => ['SIGINT', 'SIGINT']);
      expect([stdout, signal]).to.deep.equal(['under way\n', 'SIGINT']);
      expect(stderr).to.include("half way.\n  'hactl audit' shows what was begun");
    });
  });
});
