import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { differenceOf, type Options, type Relation } from './comparison.ts';
import { resourcesOf, setsOf } from './stages.ts';
import { anyRole } from './values.ts';

interface TicketMeaning {
  ticket: string;
  /** Resources and their roles. */
  all: readonly string[];
  options: Options;
}

export function ticketOf(element: EditableXml, constraints: EditableXml): TicketMeaning {
  const { attributes } = element;
  const sets = setsOf(element, constraints);
  const parts =
    sets.length > 0
      ? sets.flatMap((set) => resourcesOf(set).map((each) => [each, set.attributes['role']]))
      : [[attributes['rsc'], attributes['rsc-role']]];
  const isPromoted = parts.some(([, role]) => anyRole(role) === 'Promoted');
  const policy = attributes['loss-policy'] ?? (isPromoted ? 'demote' : 'stop');
  return {
    ticket: attributes['ticket'] ?? '',
    all: parts.map(([resource = '', role]) => `${resource} ${anyRole(role)}`),
    options: { 'loss-policy': policy },
  };
}

export function relationOfTickets(
  added: TicketMeaning,
  present: TicketMeaning,
): Relation | undefined {
  if (added.ticket !== present.ticket) return undefined;
  const common = added.all.filter((each) => present.all.includes(each));
  if (common.length === 0) return undefined;
  const difference = differenceOf(present.options, added.options);
  if (difference !== undefined) return { contradiction: difference };
  return common.length === added.all.length ? 'says the same' : undefined;
}
