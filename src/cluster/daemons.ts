import { Fault } from '../kit/fault.ts';
import type { Run } from '../kit/exec.ts';
import { readStoppedProcesses, type StoppedProcess } from '../systemd/stopped.ts';

/** A daemon of the cluster stack of this node that is stopped, by SIGSTOP for example. */
export interface StoppedDaemon {
  /** `pacemaker-based`, `corosync` … */
  name: string;
  pid: number;
  /** Whether this node can be a member of its cluster without it. */
  isNeeded: boolean;
}

/**
 * Finds the stopped daemons of this node. systemd and the cluster take such a daemon for sound until something
 * times out.
 */
export type FindStoppedDaemons = () => Promise<readonly StoppedDaemon[]>;

const units = ['pacemaker.service', 'corosync.service', 'pcsd.service'];

// The kernel cuts a name off after 15 characters.
const longNames = ['pacemaker-fenced', 'pacemaker-controld', 'pacemaker-schedulerd'];

/** @param read reads the stopped processes of units */
export function makeFindStoppedDaemons(
  read: (units: readonly string[]) => Promise<StoppedProcess[]> = readStoppedProcesses,
): FindStoppedDaemons {
  return async () => (await read(units)).filter(isDaemon).map(daemonOf);
}

/** Not the tools and agents that a daemon of Pacemaker has started, which are in its unit. */
function isDaemon({ unit, name }: StoppedProcess): boolean {
  return unit !== 'pacemaker.service' || name.startsWith('pacemaker');
}

function daemonOf({ unit, name, pid }: StoppedProcess): StoppedDaemon {
  // pcsd has processes that have the name of their interpreter.
  if (unit === 'pcsd.service') return { name: 'pcsd', pid, isNeeded: false };
  const whole = longNames.find((each) => each.slice(0, 15) === name) ?? name;
  return { name: whole, pid, isNeeded: true };
}

/** A sentence that names stopped daemons, and says what to do. */
export function sentenceOf(daemons: readonly StoppedDaemon[]): string {
  const names = [...new Set(daemons.map(({ name }) => name))].join(', ');
  const pids = daemons.map(({ pid }) => pid).join(' ');
  const [are, answer] = names.includes(',') ? ['are', 'answer'] : ['is', 'answers'];
  return `${names} ${are} stopped by a signal on this node (process state T) and ${answer} nobody until 'kill -CONT ${pids}'.`;
}

/**
 * The same runner, which names the stopped daemons where a tool got no answer. Where none is stopped it adds nothing:
 * the cause may be a daemon of another node, or one that hangs otherwise.
 * Faults: those of Run; also `tool_timeout` for a tool of Pacemaker that gave up by itself while a daemon is stopped.
 */
export function namingStoppedDaemons(run: Run, find: FindStoppedDaemons): Run {
  return async (command) => {
    const { argv } = command;
    try {
      const outcome = await run(command);
      if (!gaveUp.includes(outcome.exitCode) || argv.includes('--wait')) return outcome;
      const daemons = await find();
      if (daemons.length === 0) return outcome;
      throw new Fault('tool_timeout', `${argv[0]} got no answer. ${sentenceOf(daemons)}`, {
        command: { argv, exitCode: outcome.exitCode, stderr: outcome.stderr },
      });
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'tool_timeout') throw error;
      if (error.command?.exitCode !== null) throw error;
      const daemons = await find();
      if (daemons.length === 0) throw error;
      const seconds = command.deadlineMs / 1000;
      throw new Fault(
        'tool_timeout',
        `${argv[0]} gave no answer in ${seconds} s and was ended. ${sentenceOf(daemons)}`,
        { command: error.command },
      );
    }
  };
}

// CRM_EX_DISCONNECT and CRM_EX_TIMEOUT. Of `crm_resource --wait`, the second says that the time it was given is over.
const gaveUp = [102, 124];
