import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { colocationOf, relationOfColocations } from './colocations.ts';
import type { Relation } from './comparison.ts';
import { relationOfRules } from './locations.ts';
import { orderOf, relationOfOrders } from './orders.ts';
import { relationOfTickets, ticketOf } from './tickets.ts';

/**
 * Compares the meaning of two constraints, whatever form they have: defaults are filled in, sets are compared with pairs,
 * and older names of roles and kinds with newer ones. Defaults are those of the schema (constraints-*.rng), or else those
 * of Pacemaker Explained.
 * @param constraints the section with the sets that both refer to
 * @returns undefined if both can exist together
 */
export function relationOf(
  added: EditableXml,
  present: EditableXml,
  constraints: EditableXml,
): Relation | undefined {
  if (added.name !== present.name) return undefined;
  switch (added.name) {
    case 'rsc_order':
      return relationOfOrders(orderOf(added, constraints), orderOf(present, constraints));
    case 'rsc_colocation':
      return relationOfColocations(
        colocationOf(added, constraints),
        colocationOf(present, constraints),
      );
    case 'rsc_ticket':
      return relationOfTickets(ticketOf(added, constraints), ticketOf(present, constraints));
    case 'rsc_location':
      return relationOfRules(added, present);
    default:
      return undefined;
  }
}
