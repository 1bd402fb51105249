import { Fault } from '../kit/fault.ts';

export function nodeNotFound(name: string): Fault {
  return new Fault(
    'node_not_found',
    `There is no node ${name}. GET /api/v2/system/ha/node lists them; names are case-sensitive.`,
  );
}
