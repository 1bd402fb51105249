import { Fault } from '../errors.ts';
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
 * Faults: `command_failed`, those of Run.
 */
export async function readUnits(host: Host, ids: readonly string[]): Promise<Unit[]> {
  const argv = [
    'systemctl',
    'show',
    '--property=Id,LoadState,ActiveState,UnitFileState',
    ...ids,
  ] as const;
  const { exitCode, stdout, stderr } = await host.run({
    argv,
    deadlineMs: host.readDeadlineMs,
  });
  // `show` is 0 also for units that do not exist; anything else means that systemd did not answer.
  if (exitCode !== 0) {
    throw new Fault(
      'command_failed',
      `systemctl ended with exit code ${exitCode}: systemd did not answer. Its own message is in 'stderr'.`,
      { command: { argv, exitCode, stderr } },
    );
  }
  return parseSystemctlShow(stdout).map((block) => ({
    id: block['Id'] ?? '',
    loadState: block['LoadState'] ?? '',
    activeState: block['ActiveState'] ?? '',
    unitFileState: block['UnitFileState'] ?? '',
  }));
}
