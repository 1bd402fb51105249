import type { Host } from '../../kit/host.ts';
import { controlUnit, readUnits, type UnitAction } from '../../systemd/units.ts';

/** The unit of keepalived. */
export interface VrrpService {
  /** Faults: `service_failed`, those of Run. @returns whether it was done in time */
  control(action: Exclude<UnitAction, 'restart'>): Promise<boolean>;
  /** Whether its process runs, and did not end at once. */
  isActive(): Promise<boolean>;
}

export const vrrpUnit = 'amphora-keepalived.service';

export function makeVrrpService(host: Host): VrrpService {
  return {
    control: (action) => controlUnit(host, action, vrrpUnit),
    async isActive() {
      const [unit] = await readUnits(host, [vrrpUnit]);
      // After a crash it is `activating` until the next attempt.
      return unit?.activeState === 'active' || unit?.activeState === 'reloading';
    },
  };
}
