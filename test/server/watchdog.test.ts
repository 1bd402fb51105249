import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { execa } from 'execa';
import sinon from 'sinon';

import { startWatchdog } from '../../src/server/watchdog.ts';
import { waitUntil } from '../lab/wait.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the watchdog', () => {
  afterEach(() => {
    sinon.restore();
  });

  function start(behaviour: 'hang' | 'turn') {
    const program = join(import.meta.dirname, '../support/watched-process.ts');
    const watched = execa(process.execPath, ['--import', 'tsx', program, behaviour], {
      reject: false,
      stdin: 'ignore',
      cwd: join(import.meta.dirname, '..'),
    });
    if (watched.pid === undefined) throw new Error('It has not started.');
    return { watched, pid: watched.pid, up: () => once(watched.stdout, 'data') };
  }

  async function watchdogOf(pid: number): Promise<number> {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return Number(children.trim().split(' ').at(-1));
  }

  it('kills a process whose event loop hangs, and says so on its stderr', async () => {
    const { signal, stderr } = await start('hang').watched;
    expect([signal, stderr]).to.deep.equal([
      'SIGKILL',
      'The event loop hung for 3 s. Killing the process, for systemd to restart it.',
    ]);
  });

  it('kills a process that is stopped', async () => {
    const { watched, pid, up } = start('turn');
    await up();
    process.kill(pid, 'SIGSTOP');
    expect((await watched).signal).to.equal('SIGKILL');
  });

  it('leaves a process alone if its event loop runs, even after both stood still for longer than its timeout', async () => {
    const { watched, pid, up } = start('turn');
    await up();
    const watchdog = await watchdogOf(pid);
    process.kill(watchdog, 'SIGSTOP');
    process.kill(pid, 'SIGSTOP');
    await sleep(4000);
    process.kill(watchdog, 'SIGCONT');
    process.kill(pid, 'SIGCONT');
    const { exitCode, stderr } = await watched;
    expect([exitCode, stderr]).to.deep.equal([7, '']);
  });

  it('ends with the process that it watches', async () => {
    const { watched, pid, up } = start('turn');
    await up();
    const watchdog = await watchdogOf(pid);
    watched.kill('SIGKILL');
    await watched;
    await waitUntil('the watchdog to end', async () => {
      const status = await readFile(`/proc/${watchdog}/status`, 'utf8').catch(() => undefined);
      return status === undefined || /^State:\s+Z/m.test(status);
    });
  });

  it('is started again if it ends, until it is stopped', async () => {
    const { log, lines } = keepingLog();
    const started: string[][] = [];
    const stopped = sinon.spy();
    const ends: (() => void)[] = [];
    const watchdog = startWatchdog(
      (argv) => {
        started.push([...argv]);
        const ended = new Promise<void>((resolve) => ends.push(resolve));
        return { ended, write: () => undefined, stop: stopped };
      },
      log,
      { pauseMs: 1 },
    );
    ends[0]?.();
    await waitUntil('the second one', () => started.length === 2, { everyMs: 1 });
    watchdog.stop();
    ends[1]?.();
    await sleep(50);
    expect(stopped.callCount).to.equal(1);
    expect(lines.map(({ level }) => level)).to.deep.equal(['error']);
    const argv = ['/usr/lib/ha-agent/watchdog', `${process.pid}`, '12', '10'];
    expect(started).to.deep.equal([argv, argv]);
  });
});
