import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { colocationOf, relationOfColocations } from './colocations.ts';
import type { Relation } from './comparison.ts';
import { relationOfRules } from './locations.ts';
import { orderOf, relationOfOrders } from './orders.ts';
import { relationOfTickets, ticketOf } from './tickets.ts';

/**
 * Compares what two constraints mean, whatever they leave unsaid and however they say it. A set of resources is
 * compared with a pair, and a role or kind by its older name with the newer one.
 * The defaults are those of the schema (constraints-*.rng), and of Pacemaker Explained where the schema names none.
 * @param constraints the section with both, or at least with the sets that they refer to
 * @returns undefined if both can stand side by side
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
