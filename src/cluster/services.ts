import type { ClusterHost } from './paths.ts';
import { readUnits, type Unit } from '../systemd/units.ts';

export type ServiceState = 'online' | 'offline' | 'starting' | 'stopping' | 'failed' | 'disabled';

export interface Service {
  /** The systemd unit's name. */
  id: string;
  state: ServiceState;
  /** Whether nobody else should start or stop it now: the unit is masked, or the agent is changing it. */
  locked: boolean;
}

/** Marks the services as held while the agent itself starts or stops them. */
export interface StackHold {
  isHeld: () => boolean;
  during: <T>(work: () => Promise<T>) => Promise<T>;
}

export function makeStackHold(): StackHold {
  let holders = 0;
  return {
    isHeld: () => holders > 0,
    async during(work) {
      holders += 1;
      try {
        return await work();
      } finally {
        holders -= 1;
      }
    },
  };
}

/** The services of the cluster stack, in the order in which they are listed. */
const stack = ['pacemaker.service', 'pcsd.service', 'corosync.service'] as const;

/**
 * The states of the cluster stack's services on this node, except those that are not installed.
 * Faults: `tool_failed`, those of Run.
 */
export async function listServices(host: ClusterHost, hold: StackHold): Promise<Service[]> {
  const units = await readUnits(host, stack);
  return units
    .filter(({ loadState }) => loadState !== 'not-found')
    .map((unit) => ({
      id: unit.id,
      state: stateOf(unit),
      locked: unit.loadState === 'masked' || hold.isHeld(),
    }));
}

/** Whether the unit belongs to the stack, installed or not. */
export function isOfStack(unit: string): boolean {
  return stack.some((id) => id === unit);
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
