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

export function makeNodeService(host: Host): NodeService {
  let isEnabled = false;
  const control = async (action: UnitAction) => {
    if (await controlUnit(host, action, nodeUnit)) return;
    throw new Fault(
      'service_failed',
      `systemd did not ${action} ${nodeUnit} in time. 'journalctl --unit ${nodeUnit}' shows why.`,
    );
  };
  return {
    start: () => control('start'),
    async stop() {
      isEnabled = false;
      await control('disable');
      await control('stop');
    },
    async enable() {
      if (isEnabled) return;
      await control('enable');
      isEnabled = true;
    },
    async isStarting() {
      const [unit] = await readUnits(host, [nodeUnit]);
      return unit?.activeState === 'active' || unit?.activeState === 'activating';
    },
  };
}
