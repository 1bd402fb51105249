import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { controlUnit, readUnits, type UnitAction } from '../../systemd/units.ts';

/** The unit of the node's keepalived. Faults of all: `service_failed`, those of Run */
export interface NodeService {
  start(): Promise<void>;
  /** Stops it for good. It sends its farewell to the peers and removes its addresses. */
  stop(): Promise<void>;
  /** Has it start at boot. */
  enable(): Promise<void>;
  /** Whether systemd runs it, or has just begun to. */
  isStarting(): Promise<boolean>;
}

export const nodeUnit = 'ha-keepalived.service';

/** systemd would read all of its units again, which takes seconds on a busy host. The next boot does so anyway. */
const noReload = ['--no-reload'];

export function makeNodeService(host: Host): NodeService {
  let isEnabled = false;
  const control = async (action: UnitAction, flags?: readonly string[]) => {
    if (await controlUnit(host, action, nodeUnit, flags)) return;
    throw new Fault(
      'service_failed',
      `systemd did not ${action} ${nodeUnit} in time. 'journalctl --unit ${nodeUnit}' shows why.`,
    );
  };
  return {
    start: () => control('start'),
    async stop() {
      isEnabled = false;
      await control('disable', noReload);
      await control('stop');
    },
    async enable() {
      if (isEnabled) return;
      await control('enable', noReload);
      isEnabled = true;
    },
    async isStarting() {
      const [unit] = await readUnits(host, [nodeUnit]);
      return unit?.activeState === 'active' || unit?.activeState === 'activating';
    },
  };
}
