import { Fault } from '../../../kit/fault.ts';
import { destroyCluster } from '../../../pcs/destroy.ts';
import { controlUnit, type UnitAction } from '../../../systemd/units.ts';
import type { ClusterHost } from '../../paths.ts';
import { isOfStack, listServices, type Service, type StackHold } from '../../services.ts';
import type { ClusterChange } from '../cluster-change.ts';

/** Changes of this node's cluster stack. */
export interface StackChanges {
  /**
   * @param id a service of the stack, with or without `.service`
   * Faults: `service_not_found`, `service_failed`, those of Run.
   */
  control: (id: string, action: UnitAction) => ClusterChange<Service>;
  /** Stops the stack and removes its configuration, on this node alone. Faults: `cluster_refused`, those of Run. */
  destroy: () => ClusterChange<void>;
}

export function makeStackChanges(hold: StackHold): StackChanges {
  return {
    control: (id, action) => ({
      afterwards: action === 'start' || action === 'restart' ? 'running' : 'maybe stopped',
      carryOut: ({ host, notSettled }) =>
        hold.during(async () => {
          const unit = id.endsWith('.service') ? id : `${id}.service`;
          await serviceNamed(host, hold, unit);
          const ended = await controlUnit(host, action, unit);
          if (!ended) notSettled();
          return { ...(await serviceNamed(host, hold, unit)), locked: false };
        }),
    }),

    destroy: () => ({
      alone: 'destroy',
      afterwards: 'maybe stopped',
      carryOut: ({ host }) => hold.during(() => destroyCluster(host)),
    }),
  };
}

async function serviceNamed(host: ClusterHost, hold: StackHold, unit: string): Promise<Service> {
  const found = isOfStack(unit)
    ? (await listServices(host, hold)).find(({ id }) => id === unit)
    : undefined;
  if (found) return found;
  throw new Fault(
    'service_not_found',
    `There is no service ${unit} of the cluster stack on this node. The list of services shows all names.`,
  );
}
