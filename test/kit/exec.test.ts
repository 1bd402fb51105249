import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { type Command, makeRun, makeStartResident } from '../../src/kit/exec.ts';
import { readTextIfThere } from '../../src/kit/files/files.ts';
import { faultOf } from '../support/faults.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { waitUntil } from '../lab/wait.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the runner', () => {
  const folder = temporaryFolder();
  const { log, lines } = keepingLog();
  const run = makeRun(log);
  beforeEach(() => {
    lines.length = 0;
  });

  const sh = (script: string): Command => ({ argv: ['sh', '-c', script], deadlineMs: 60_000 });
  /** A zombie counts as dead, because PID 1 decides when it disappears. */
  const isAlive = async (pid: string) => {
    const status = await readTextIfThere(`/proc/${pid.trim()}/status`);
    return status !== undefined && !/^State:\s+Z/m.test(status);
  };

  it('returns the exact output of a command, and its exit code', async () => {
    const outcome = await run(sh('printf "out\\n\\n"; printf "err\\n" >&2; exit 7'));
    expect(outcome).to.deep.equal({ exitCode: 7, stdout: 'out\n\n', stderr: 'err\n' });
  });

  it('passes arguments on as they are, without a shell', async () => {
    const argv = ['printf', '%s|', '$(id)', '; ls', '`x`', 'a b', '"'] as const;
    expect((await run({ argv, deadlineMs: 60_000 })).stdout).to.equal('$(id)|; ls|`x`|a b|"|');
  });

  it('gives a command a clean environment and no input', async () => {
    process.env['HA_TEST_LEAK'] = 'leaked';
    const { stdout } = await run(sh('env; cat'));
    delete process.env['HA_TEST_LEAK'];
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names).to.include.members(['PATH', 'LC_ALL', 'HOME']).and.not.include('HA_TEST_LEAK');
    expect(stdout).to.include('LC_ALL=C\n');
  });

  it('gives a command its input, even if the command does not read it', async () => {
    const input = '<é/>\n'.repeat(100_000);
    expect((await run({ ...sh('cat'), input })).stdout).to.equal(input);
    expect(await run({ ...sh('exit 3'), input })).to.include({ exitCode: 3 });
    expect(await run({ ...sh('exec <&-; echo x'), input })).to.include({ exitCode: 0 });
  });

  it('adds the variables of the call to the environment', async () => {
    const { stdout } = await run({
      ...sh('echo $NOTIFY_SOCKET'),
      env: { NOTIFY_SOCKET: '/run/x' },
    });
    expect(stdout).to.equal('/run/x\n');
  });

  it('names a missing tool', async () => {
    const fault = await faultOf(
      'tool_missing',
      run({ argv: ['no-such-tool', 'a'], deadlineMs: 60_000 }),
    );
    expect(fault.message).to.include('no-such-tool');
  });

  it('treats a file that is not executable as a missing tool', async () => {
    const path = join(folder.path, 'tool');
    await writeFile(path, '#!/bin/sh\n');
    await chmod(path, 0o644);
    await faultOf('tool_missing', run({ argv: [path], deadlineMs: 60_000 }));
  });

  it('kills a command with its children at its deadline, even if all of them are stopped', async () => {
    const pids = join(folder.path, 'pids');
    const script = `sleep 60 & echo $! > ${pids}; echo $$ >> ${pids}; kill -STOP $!; kill -STOP $$`;
    await faultOf('tool_timeout', run({ ...sh(script), deadlineMs: 500 }));
    const [child = '', parent = ''] = (await readFile(pids, 'utf8')).split('\n');
    await waitUntil(
      'both to be gone',
      async () => !(await isAlive(child)) && !(await isAlive(parent)),
    );
  });

  it('kills children that outlive the command, and does not wait for them', async () => {
    const pid = join(folder.path, 'pid');
    const outcome = await run(sh(`sleep 60 & echo $! > ${pid}; echo done`));
    expect(outcome).to.include({ exitCode: 0, stdout: 'done\n' });
    await waitUntil(
      'the child to be gone',
      async () => !(await isAlive(await readFile(pid, 'utf8'))),
    );
  });

  it('keeps its deadline even if a child has left the group and holds the output open', async () => {
    const pid = join(folder.path, 'pid');
    const script = `setsid sh -c 'echo $$ > ${pid}; exec sleep 3600' & until [ -s ${pid} ]; do sleep 0.05; done`;
    await faultOf('tool_timeout', run({ ...sh(script), deadlineMs: 2000 }));
    process.kill(Number(await readFile(pid, 'utf8')));
  });

  it('answers at the deadline even if the process cannot be killed', async () => {
    const kill = sinon.stub(process, 'kill').returns(true);
    await faultOf('tool_timeout', run({ argv: ['sleep', '3600'], deadlineMs: 300 }));
    kill.restore();
    process.kill(kill.firstCall.args[0], 'SIGKILL');
  });

  it('lets a command use the rest of its time after a standstill of the machine', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const ended = run({ ...sh('read line; echo "$line"'), input: 'late\n', deadlineMs: 60_000 });
    clock.jump(120_000);
    expect((await ended).stdout).to.equal('late\n');
    sinon.restore();
  });

  it('reports the error of the system if a process could not be started', async () => {
    const tooLong = 'x'.repeat(4_000_000);
    const fault = await faultOf(
      'tool_not_started',
      run({ argv: ['true', tooLong], deadlineMs: 60_000 }),
    );
    expect(fault.message).to.include('E2BIG');
  });

  it('reports a command that was killed in another way than one that failed', async () => {
    await faultOf('tool_ended_by_signal', run(sh('kill -KILL $$')));
  });

  it('stops a command that prints without end', async () => {
    await faultOf('output_too_large', run({ argv: ['yes'], deadlineMs: 9000 }));
  });

  it('logs one line for each call, with secrets masked, at a higher level if it failed', async () => {
    await run(sh('true'));
    await run({ argv: ['true', 'passwd=hunter2'], deadlineMs: 60_000 });
    await faultOf(
      'tool_missing',
      run({ argv: ['no-such-tool', 'passwd=hunter2'], deadlineMs: 60_000 }),
    );
    expect(lines.map(({ level, exitCode, code }) => ({ level, exitCode, code }))).to.deep.equal([
      { level: 'debug', exitCode: 0, code: undefined },
      { level: 'debug', exitCode: 0, code: undefined },
      { level: 'warn', exitCode: undefined, code: 'tool_missing' },
    ]);
    expect(JSON.stringify(lines)).not.to.include('hunter2');
    expect(lines[1]?.['argv']).to.deep.equal(['true', 'passwd=********']);
  });

  it('masks secrets in the fault as well', async () => {
    const script = 'echo "login failed, password=hunter2" >&2; kill -KILL $$';
    const fault = await faultOf('tool_ended_by_signal', run(sh(script)));
    expect(JSON.stringify(fault.command)).not.to.include('hunter2');
  });
});

describe('a resident process', () => {
  const folder = temporaryFolder();
  const start = makeStartResident();

  it('is over only when the daemon that it left behind has ended', async () => {
    const resident = start(['sh', '-c', `(echo up > ${folder.path}/up; exec sleep 0.5) &`]);
    let over = false;
    const ended = resident.ended.then(() => (over = true));
    await waitUntil(
      'the daemon',
      async () => (await readTextIfThere(`${folder.path}/up`)) !== undefined,
    );
    expect(over).to.equal(false);
    await ended;
  });

  it('ends together with everything that it left behind', async () => {
    const pid = join(folder.path, 'pid');
    const resident = start(['sh', '-c', `(echo $$ > ${pid}; exec sleep 60) & sleep 60`]);
    await waitUntil('the daemon', async () => Boolean(await readTextIfThere(pid)));
    resident.stop();
    await resident.ended;
  });

  it('is over at once if its tool is not installed', async () => {
    await start(['no-such-tool']).ended;
  });
});
