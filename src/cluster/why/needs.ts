import type { Cib, Constraint, ResourceSet } from '../../parsers/cib/cib.ts';
import { containersIn, primitiveIds, primitivesIn } from '../../parsers/cib/resources.ts';
import { infinity, isTrue, scoreOf } from '../../parsers/cib/values.ts';

interface Family {
  /** The primitives inside; of a primitive itself. */
  inside: readonly string[];
  /** The containers around it. */
  around: readonly string[];
}

export function familyOf({ resources }: Cib, name: string): Family {
  const primitive = primitivesIn(resources).find((each) => each.primitive.id === name);
  if (primitive) return { inside: [name], around: primitive.containers.map(({ id }) => id) };
  const placed = containersIn(resources).find(({ container }) => container.id === name);
  if (placed === undefined) return { inside: [name], around: [] };
  return {
    inside: primitiveIds(placed.container),
    around: placed.containers.map(({ id }) => id),
  };
}

/** What a resource has to be with, and in which words. */
interface Need {
  other: string;
  how: string;
}

/** What any of these resources cannot run without on a node: what a group has before it, what it is colocated with. */
export function needsOf({ resources, constraints }: Cib, own: readonly string[]): Need[] {
  const inGroups = containersIn(resources)
    .filter(({ container }) => container.kind === 'group')
    .flatMap(({ container }) => {
      const members = primitiveIds(container);
      const first = members.findIndex((id) => own.includes(id));
      return members
        .slice(0, Math.max(first, 0))
        .map((other) => ({ other, how: `is in the group ${container.id} behind ${other}` }));
    });
  const colocated = constraints.filter(isMandatoryColocation).flatMap((constraint) =>
    pairsOf(constraint)
      .filter(([dependent]) => own.includes(dependent))
      .map(([, other]) => ({
        other,
        how: `has to be with ${other} (constraint ${constraint.id})`,
      })),
  );
  return [...inGroups, ...colocated];
}

function isMandatoryColocation({ element, attributes: { score } }: Constraint): boolean {
  return element === 'rsc_colocation' && scoreOf(score) === infinity;
}

/**
 * Which resource of a colocation depends on which. In a set each depends on the one before it, unless it is not
 * `sequential`; and each set depends on the one behind it (Pacemaker Explained, "Colocation Sets").
 */
function pairsOf({ attributes, sets }: Constraint): (readonly [string, string])[] {
  const { rsc, 'with-rsc': withRsc } = attributes;
  if (rsc !== undefined && withRsc !== undefined) return [[rsc, withRsc]];
  const inSets = sets.flatMap((set) => (isSequential(set) ? chainOf(set.resources) : []));
  const between = sets.flatMap((set, index) =>
    set.resources.flatMap((dependent) =>
      (sets[index + 1]?.resources ?? []).map((other) => [dependent, other] as const),
    ),
  );
  return [...inSets, ...between];
}

function isSequential({ options }: ResourceSet): boolean {
  return isTrue(options['sequential'] ?? 'true');
}

function chainOf(resources: readonly string[]): (readonly [string, string])[] {
  return resources.slice(1).map((each, index) => [each, resources[index] ?? ''] as const);
}
