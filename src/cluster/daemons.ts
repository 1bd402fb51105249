import { Fault } from '../kit/fault.ts';
import type { Run } from '../kit/exec.ts';
import { readStoppedProcesses, type StoppedProcess } from '../systemd/stopped.ts';

/** A daemon of this node's cluster stack that a signal stopped, such as SIGSTOP. */
export interface StoppedDaemon {
  /** `pacemaker-based`, `corosync` … */
  name: string;
  pid: number;
  /** Whether this node can be a member of its cluster without it. */
  isNeeded: boolean;
}

/**
 * Finds the stopped daemons of this node. systemd and the cluster consider such a daemon healthy until something
 * times out.
 */
export type FindStoppedDaemons = () => Promise<readonly StoppedDaemon[]>;

const units = ['pacemaker.service', 'corosync.service', 'pcsd.service'];

// The kernel truncates a name to 15 characters.
const longNames = ['pacemaker-fenced', 'pacemaker-controld', 'pacemaker-schedulerd'];

/** @param read reads the stopped processes of units */
export function makeFindStoppedDaemons(
  read: (units: readonly string[]) => Promise<StoppedProcess[]> = readStoppedProcesses,
): FindStoppedDaemons {
  return async () => (await read(units)).filter(isDaemon).map(daemonOf);
}

/** Pacemaker's unit also has the tools and agents that its daemons have started. */
function isDaemon({ unit, name }: StoppedProcess): boolean {
  return unit !== 'pacemaker.service' || name.startsWith('pacemaker');
}

function daemonOf({ unit, name, pid }: StoppedProcess): StoppedDaemon {
  // The processes of pcsd are named after their interpreter.
  if (unit === 'pcsd.service') return { name: 'pcsd', pid, isNeeded: false };
  const whole = longNames.find((each) => each.slice(0, 15) === name) ?? name;
  return { name: whole, pid, isNeeded: true };
}

/** A sentence that names stopped daemons and says what to do. */
export function sentenceOf(daemons: readonly StoppedDaemon[]): string {
  const names = [...new Set(daemons.map(({ name }) => name))].join(', ');
  const pids = daemons.map(({ pid }) => pid).join(' ');
  const [are, answer] = names.includes(',') ? ['are', 'answer'] : ['is', 'answers'];
  return `${names} ${are} stopped by a signal on this node (process state T) and ${answer} nobody until 'kill -CONT ${pids}'.`;
}

/**
 * Makes a runner that names the stopped daemons if a tool got no answer. If none is stopped it adds nothing: the cause
 * may be a daemon of another node, or one that hangs for another reason.
 * Faults: those of Run; also `tool_timeout` if a tool of Pacemaker gave up while a daemon is stopped.
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

// CRM_EX_DISCONNECT and CRM_EX_TIMEOUT. `crm_resource --wait` exits with the second when its own timeout is over.
const gaveUp = [102, 124];
