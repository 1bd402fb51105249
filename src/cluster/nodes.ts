import { Fault } from '../kit/fault.ts';

export function nodeNotFound(name: string): Fault {
  return new Fault(
    'node_not_found',
    `There is no node ${name}. The list of nodes shows all names; names are case-sensitive.`,
  );
}
