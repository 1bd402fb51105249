import { newElement } from '../../../../parsers/xml-edit.ts';
import type { ClusterChange } from '../../cluster-change.ts';
import { add, type Named } from './add.ts';
import { checkResources } from './checks.ts';

export interface Ticket extends Named {
  ticket: string;
  resource: string;
  role?: string | undefined;
  lossPolicy?: string | undefined;
}

/** Faults of the edit: as addOrder. */
export function addTicket({
  name,
  ticket,
  resource,
  role,
  lossPolicy,
}: Ticket): ClusterChange<void> {
  return add(name, ({ configuration, id, role: roleFor }) => {
    checkResources(configuration, [resource]);
    const own = roleFor(role);
    return [
      newElement('rsc_ticket', {
        id: id(['ticket', ticket, resource, own].filter(Boolean).join('-')),
        rsc: resource,
        'rsc-role': own,
        ticket,
        'loss-policy': lossPolicy,
      }),
    ];
  });
}
