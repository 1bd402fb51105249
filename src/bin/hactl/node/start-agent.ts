import { makeRun, type Run } from '../../../kit/exec.ts';
import { Fault } from '../../../kit/fault.ts';
import { makeLog } from '../../../kit/log.ts';
import { controlUnit, readUnits } from '../../../systemd/units.ts';

const unit = 'ha-amphora.service';

/**
 * Makes a function that starts ha-amphora again, and has it start at each boot. A restart, because an amphora may be
 * running here already, and reads only at its start that this host is a node. haproxy and keepalived run on.
 * @returns a function. Faults: `service_failed`, those of Run
 */
export function makeStartAgent(run: Run = makeRun(makeLog('silent'))): () => Promise<void> {
  const host = { run, readDeadlineMs: 20_000, changeDeadlineMs: 120_000, paths: {} };
  return async () => {
    try {
      await controlUnit(host, 'enable', unit);
      await controlUnit(host, 'restart', unit);
    } catch (error) {
      if (error instanceof Fault && error.code === 'service_failed') throw notStarted(error);
      throw error;
    }
    const [found] = await readUnits(host, [unit]);
    // A condition of the unit that fails is a success to systemctl.
    if (found?.activeState !== 'active') throw notStarted();
  };
}

function notStarted(cause?: Fault): Fault {
  return new Fault(
    'service_failed',
    "This host has joined, but ha-amphora has not started: 'journalctl -u ha-amphora' shows why. Start it with 'systemctl restart ha-amphora' when that is mended.",
    cause?.command ? { command: cause.command } : {},
  );
}
