import { runToSuccess } from '../exec.ts';
import type { Host } from '../host.ts';
import { parseSystemctlShow } from '../parsers/systemctl-show.ts';

/** A unit as `systemctl show` has it; the words are systemd's (systemctl(1), unit file states). */
export interface Unit {
  id: string;
  loadState: string;
  activeState: string;
  unitFileState: string;
}

/**
 * What systemd knows of the units, in the order asked; a unit that is not installed has the load state
 * `not-found`.
 * Faults: `tool_failed`, those of Run.
 */
export async function readUnits(host: Host, ids: readonly string[]): Promise<Unit[]> {
  const properties = '--property=Id,LoadState,ActiveState,UnitFileState';
  // `show` exits with 0 also for units that do not exist.
  const stdout = await runToSuccess(
    host.run,
    { argv: ['systemctl', 'show', properties, ...ids], deadlineMs: host.readDeadlineMs },
    "systemd did not answer. The message of systemctl is in 'stderr'; see whether 'systemctl status' works on the node.",
  );
  return parseSystemctlShow(stdout).map((block) => ({
    id: block['Id'] ?? '',
    loadState: block['LoadState'] ?? '',
    activeState: block['ActiveState'] ?? '',
    unitFileState: block['UnitFileState'] ?? '',
  }));
}
