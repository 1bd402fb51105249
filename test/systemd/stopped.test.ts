import { mkdir, open, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { readStoppedProcesses } from '../../src/systemd/stopped.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('readStoppedProcesses', () => {
  const folder = temporaryFolder();
  const kernel = () => ({ units: join(folder.path, 'units'), proc: join(folder.path, 'proc') });

  /** @param stats by process number; the beginning of each `stat` after the number */
  async function unit(name: string, stats: Readonly<Record<number, string>>): Promise<void> {
    const { units, proc } = kernel();
    await mkdir(join(units, name), { recursive: true });
    await writeFile(join(units, name, 'cgroup.procs'), Object.keys(stats).join('\n') + '\n');
    for (const [pid, stat] of Object.entries(stats)) {
      await mkdir(join(proc, pid), { recursive: true });
      await writeFile(join(proc, pid, 'stat'), `${pid} ${stat} 1 2 3\n`);
    }
  }

  it('finds processes that a signal or a debugger has stopped', async () => {
    await unit('a.service', { 10: '(sleeps) S', 11: '(stopped) T', 12: '(waits) D' });
    await unit('b.service', { 20: '(traced) t', 21: '(dead) Z', 22: '(runs) R' });
    expect(await readStoppedProcesses(['a.service', 'b.service'], kernel())).to.deep.equal([
      { unit: 'a.service', name: 'stopped', pid: 11 },
      { unit: 'b.service', name: 'traced', pid: 20 },
    ]);
  });

  it('is not misled by the name of a process', async () => {
    await unit('a.service', { 10: '(x) T 1 (y) S', 11: '(a) b) T', 12: '(l\nm) T' });
    const found = await readStoppedProcesses(['a.service'], kernel());
    expect(found.map(({ name }) => name)).to.deep.equal(['a) b', 'l\nm']);
  });

  it('finds none in a unit that does not run, and ignores a process that has just ended', async () => {
    await unit('a.service', { 10: '(gone) T' });
    await rm(join(kernel().proc, '10'), { recursive: true });
    expect(await readStoppedProcesses(['a.service', 'none.service'], kernel())).to.deep.equal([]);
  });

  it('finds none in a unit whose control group the kernel removes during the read', async () => {
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const [, hierarchy = ''] = / (\/\S+) cgroup2? /.exec(mounts) ?? [];
    const group = join(hierarchy, `ha-agent-test-${process.pid}`);
    await mkdir(group);
    const file = await open(join(group, 'cgroup.procs'));
    await rmdir(group);
    try {
      const { units } = kernel();
      await mkdir(join(units, 'a.service'), { recursive: true });
      await symlink(`/proc/self/fd/${file.fd}`, join(units, 'a.service', 'cgroup.procs'));
      expect(await readStoppedProcesses(['a.service'], kernel())).to.deep.equal([]);
    } finally {
      await file.close();
    }
  });
});
