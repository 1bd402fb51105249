import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { controlUnit, readUnits } from '../../systemd/units.ts';
import type { Processes, ProcessState } from './processes.ts';

/**
 * The processes as instances of a template.
 * @param template `amphora-haproxy` or `amphora-lvs`
 */
export function makeUnitProcesses(host: Host, template = 'amphora-haproxy'): Processes {
  const unitOf = (id: string) => `${template}@${id}.service`;
  const control = async (action: 'start' | 'stop', id: string): Promise<void> => {
    if (await controlUnit(host, action, unitOf(id))) return;
    throw new Fault(
      'service_failed',
      `systemd did not ${action} ${unitOf(id)} in ${host.changeDeadlineMs / 1000} s. 'journalctl --unit ${unitOf(id)}' shows why.`,
    );
  };
  return {
    start: (id) => control('start', id),
    async stop(id) {
      await control('stop', id);
      // A unit that failed would be listed as such for ever. It has no such state if it did not fail.
      await host.run({
        argv: ['systemctl', 'reset-failed', unitOf(id)],
        deadlineMs: host.readDeadlineMs,
      });
    },
    async reload(id, master) {
      if (master !== undefined && isSignalled(master)) return;
      // Not `systemctl reload`: the configuration has just been checked, and its ExecReload checks it again.
      const argv = ['systemctl', 'kill', '--kill-who=main', '--signal=USR2', unitOf(id)] as const;
      const { exitCode, stderr } = await host.run({ argv, deadlineMs: host.readDeadlineMs });
      if (exitCode === 0) return;
      throw new Fault('service_failed', `systemd could not send USR2 to ${unitOf(id)}.`, {
        command: { argv, exitCode, stderr },
      });
    },
    async state(id) {
      const [unit] = await readUnits(host, [unitOf(id)]);
      return stateOf(unit?.activeState ?? '');
    },
    async setEnabled(id, isEnabled) {
      const action = isEnabled ? 'enable' : 'disable';
      // To enable it, the manager need not read all units again: the next boot does. But it may have read them since, for
      // another unit. Unless it reads them again, it remembers a unit that is gone and starts it with its target.
      const reload = isEnabled ? ['--no-reload'] : [];
      const argv = ['systemctl', ...reload, '--quiet', action, unitOf(id)] as const;
      const { exitCode, stderr } = await host.run({ argv, deadlineMs: host.readDeadlineMs });
      if (exitCode === 0) return;
      throw new Fault('service_failed', `systemd could not ${action} ${unitOf(id)}.`, {
        command: { argv, exitCode, stderr },
      });
    },
    async messages(id, since) {
      const seconds = Math.floor(since.getTime() / 1000);
      const { stdout } = await host.run({
        argv: [
          'journalctl',
          `--unit=${unitOf(id)}`,
          `--since=@${seconds}`,
          '--output=cat',
          '--no-pager',
          '--lines=200',
        ],
        deadlineMs: host.readDeadlineMs,
      });
      return stdout;
    },
  };
}

/** A process for each reload would hold up the readers of a busy host. */
function isSignalled(master: number): boolean {
  try {
    return process.kill(master, 'SIGUSR2');
  } catch {
    return false;
  }
}

/** systemctl(1), ActiveState. A unit that waits for its restart is `activating` (sub-state `auto-restart`). */
function stateOf(activeState: string): ProcessState {
  if (activeState === 'active' || activeState === 'reloading') return 'up';
  if (activeState === 'activating') return 'coming';
  return activeState === 'failed' ? 'failed' : 'down';
}
