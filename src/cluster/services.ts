import type { Host } from '../host.ts';
import { readUnits, type Unit } from '../systemd/units.ts';

export type ServiceState = 'online' | 'offline' | 'starting' | 'stopping' | 'failed' | 'disabled';

export interface Service {
  /** The systemd unit's name. */
  id: string;
  state: ServiceState;
  /** Nobody can start it now: the unit is masked. */
  locked: boolean;
}

/** The services of the cluster stack, in the documented order. */
const stack = ['pacemaker.service', 'pcsd.service', 'corosync.service'] as const;

/**
 * The state of the cluster stack's services on this node; one that is not installed is left out.
 * Faults: `tool_failed`, those of Run.
 */
export async function listServices(host: Host): Promise<Service[]> {
  const units = await readUnits(host, stack);
  return units.filter(({ loadState }) => loadState !== 'not-found').map(serviceOf);
}

function serviceOf(unit: Unit): Service {
  return { id: unit.id, state: stateOf(unit), locked: unit.loadState === 'masked' };
}

function stateOf({ activeState, unitFileState, loadState }: Unit): ServiceState {
  switch (activeState) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return 'online';
    case 'activating':
      return 'starting';
    case 'deactivating':
      return 'stopping';
    case 'failed':
      return 'failed';
    default:
      return unitFileState === 'disabled' || loadState === 'masked' ? 'disabled' : 'offline';
  }
}
