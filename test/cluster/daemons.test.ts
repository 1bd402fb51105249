import { expect } from 'chai';

import {
  type FindStoppedDaemons,
  makeFindStoppedDaemons,
  namingStoppedDaemons,
} from '../../src/cluster/daemons.ts';
import { Fault } from '../../src/kit/fault.ts';
import type { Run } from '../../src/kit/exec.ts';
import { faultOf } from '../support/faults.ts';

describe('makeFindStoppedDaemons', () => {
  const find = (unit: string, name: string) =>
    makeFindStoppedDaemons(() => Promise.resolve([{ unit, name, pid: 7 }]))();

  it('completes the names of daemons, which the kernel truncates to 15 characters', async () => {
    for (const [truncated, whole] of [
      ['pacemaker-sched', 'pacemaker-schedulerd'],
      ['pacemaker-contr', 'pacemaker-controld'],
      ['pacemaker-fence', 'pacemaker-fenced'],
      ['pacemaker-based', 'pacemaker-based'],
      ['pacemakerd', 'pacemakerd'],
    ] as const) {
      expect(await find('pacemaker.service', truncated)).to.deep.equal([
        { name: whole, pid: 7, isNeeded: true },
      ]);
    }
    expect(await find('corosync.service', 'corosync')).to.deep.equal([
      { name: 'corosync', pid: 7, isNeeded: true },
    ]);
  });

  it('finds pcsd as Python or Ruby, and says that a member does not need it', async () => {
    for (const name of ['pcsd', 'python3', 'ruby']) {
      expect(await find('pcsd.service', name)).to.deep.equal([
        { name: 'pcsd', pid: 7, isNeeded: false },
      ]);
    }
  });

  it('ignores an agent that Pacemaker has started', async () => {
    expect(await find('pacemaker.service', 'IPaddr2')).to.deep.equal([]);
  });
});

describe('namingStoppedDaemons', () => {
  const command = { argv: ['crm_mon', '--as-xml'], deadlineMs: 2000 } as const;
  const stopped: FindStoppedDaemons = () =>
    Promise.resolve([
      { name: 'pacemaker-based', pid: 7, isNeeded: true },
      { name: 'pcsd', pid: 8, isNeeded: false },
    ]);
  const none: FindStoppedDaemons = () => Promise.resolve([]);
  const report = { argv: command.argv, exitCode: null, stderr: '' };
  const hung = new Fault('tool_timeout', 'crm_mon gave no answer.', { command: report });
  const hangs: Run = () => Promise.reject(hung);
  const exitsWith =
    (exitCode: number): Run =>
    () =>
      Promise.resolve({ exitCode, stdout: '', stderr: 'why' });

  it('names the stopped daemons if a tool gave no answer', async () => {
    const fault = await faultOf('tool_timeout', namingStoppedDaemons(hangs, stopped)(command));
    expect(fault.message).to.equal(
      "crm_mon gave no answer in 2 s and was ended. pacemaker-based, pcsd are stopped by a signal on this node (process state T) and answer nobody until 'kill -CONT 7 8'.",
    );
    expect(fault.command).to.deep.equal(report);
  });

  it('leaves the fault unchanged if no daemon is stopped', async () => {
    expect(await faultOf('tool_timeout', namingStoppedDaemons(hangs, none)(command))).to.equal(
      hung,
    );
  });

  it('passes other faults on without a look at daemons', async () => {
    const missing = new Fault('tool_missing', 'There is no crm_mon.');
    const run = namingStoppedDaemons(
      () => Promise.reject(missing),
      () => Promise.reject(new Error('looked')),
    );
    expect(await faultOf('tool_missing', run(command))).to.equal(missing);
  });

  it('names the stopped daemons if a tool gave up on its own', async () => {
    for (const code of [102, 124]) {
      const run = namingStoppedDaemons(exitsWith(code), stopped);
      const { message } = await faultOf('tool_timeout', run(command));
      expect(message).to.include('crm_mon got no answer. pacemaker-based, pcsd are stopped');
    }
  });

  it('leaves the outcome unchanged if no daemon is stopped or the tool failed in another way', async () => {
    expect((await namingStoppedDaemons(exitsWith(102), none)(command)).exitCode).to.equal(102);
    expect((await namingStoppedDaemons(exitsWith(1), stopped)(command)).exitCode).to.equal(1);
    const wait = { argv: ['crm_resource', '--wait'], deadlineMs: 2000 } as const;
    expect((await namingStoppedDaemons(exitsWith(124), stopped)(wait)).exitCode).to.equal(124);
  });
});
