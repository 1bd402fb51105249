import { Fault } from '../kit/fault.ts';
import { runToSuccess } from '../kit/exec.ts';
import type { Host } from '../kit/host.ts';
import { parseSystemctlShow } from '../parsers/systemctl-show.ts';

/** A unit as `systemctl show` describes it; the states are systemd's (systemctl(1), unit file states). */
export interface Unit {
  id: string;
  loadState: string;
  activeState: string;
  unitFileState: string;
}

/**
 * What systemd knows of the units, in their order. A unit that is not installed has the load state `not-found`.
 * Faults: `tool_failed`, those of Run.
 */
export async function readUnits(host: Host, ids: readonly string[]): Promise<Unit[]> {
  const properties = '--property=Id,LoadState,ActiveState,UnitFileState';
  // `show` exits with 0 even for units that do not exist.
  const stdout = await runToSuccess(
    host.run,
    { argv: ['systemctl', 'show', properties, ...ids], deadlineMs: host.readDeadlineMs },
    "systemd did not answer. The message of systemctl is in 'stderr'; check that 'systemctl status' works on the node.",
  );
  return parseSystemctlShow(stdout).map((block) => ({
    id: block['Id'] ?? '',
    loadState: block['LoadState'] ?? '',
    activeState: block['ActiveState'] ?? '',
    unitFileState: block['UnitFileState'] ?? '',
  }));
}

export const unitActions = ['start', 'stop', 'restart', 'reload', 'enable', 'disable'] as const;
export type UnitAction = (typeof unitActions)[number];

/**
 * Starts, stops, reloads, enables or disables a unit (systemctl(1)), and waits until that is done.
 * @param flags such as `--no-reload`
 * @returns whether it was done in time; systemd continues in any case
 * Faults: `service_failed`, those of Run.
 */
export async function controlUnit(
  host: Host,
  action: UnitAction,
  id: string,
  flags: readonly string[] = [],
): Promise<boolean> {
  const argv = ['systemctl', action, ...flags, id] as const;
  try {
    const { exitCode, stderr } = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
    if (exitCode === 0) return true;
    throw new Fault(
      'service_failed',
      `systemd could not ${action} ${id}. 'journalctl --unit ${id}' shows why.`,
      { command: { argv, exitCode, stderr } },
    );
  } catch (error) {
    if (error instanceof Fault && error.code === 'tool_timeout') return false;
    throw error;
  }
}
