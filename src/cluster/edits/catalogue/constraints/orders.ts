import { newElement } from '../../../../parsers/xml-edit.ts';
import type { ClusterChange } from '../../cluster-change.ts';
import { add, type Named } from './add.ts';
import { checkOrdered } from './checks.ts';
import { addWithSets, type SetOfResources } from './sets.ts';

/** An action of a resource in an order. */
export interface OrderedAction {
  resource: string;
  operation?: string | undefined;
}

export interface Order extends Named {
  first: OrderedAction;
  then: OrderedAction;
  kind?: string | undefined;
  /** `symmetrical`, `require-all`. */
  options?: Readonly<Record<string, string>> | undefined;
}

export interface OrderGroup extends Named {
  sets: readonly SetOfResources[];
  options?: Readonly<Record<string, string>> | undefined;
}

/**
 * Faults of the edit: `resource_not_found`, `id_exists`, `constraint_exists`, `constraint_contradicts`,
 * `constrain_the_clone`, `cluster_refused` if a resource is ordered with itself.
 */
export function addOrder(order: Order): ClusterChange<void> {
  const { first, then, kind = 'Mandatory', options = {} } = order;
  return add(order.name, ({ configuration, id }) => {
    checkOrdered(configuration, [first.resource, then.resource]);
    const firstAction = first.operation ?? 'start';
    const thenAction = then.operation ?? firstAction;
    return [
      newElement('rsc_order', {
        id: id(`order-${first.resource}-${then.resource}-${kind}`),
        first: first.resource,
        'first-action': firstAction,
        then: then.resource,
        'then-action': thenAction,
        kind,
        ...options,
      }),
    ];
  });
}

/** Faults of the edit: as addOrder. */
export function addOrderGroup({ name, sets, options = {} }: OrderGroup): ClusterChange<void> {
  return addWithSets(name, 'order', sets, options);
}
