import { Fault } from '../kit/fault.ts';
import type { Cib } from '../parsers/cib/cib.ts';
import { containersIn, primitivesIn } from '../parsers/cib/resources.ts';

/** Whether there is a primitive, group, clone or bundle of that name. */
export function isConfigured({ resources }: Cib, name: string): boolean {
  return (
    primitivesIn(resources).some(({ primitive }) => primitive.id === name) ||
    containersIn(resources).some(({ container }) => container.id === name)
  );
}

export function resourceNotFound(name: string): Fault {
  return new Fault(
    'resource_not_found',
    `There is no resource ${name}. The lists of resources and of fence devices show all names; names are case-sensitive.`,
  );
}
