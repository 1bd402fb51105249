import type { Cib, Constraint, ResourceSet } from '../../parsers/cib/cib.ts';
import { containersIn, primitiveIds, primitivesIn } from '../../parsers/cib/resources.ts';
import { infinity, isTrue, scoreOf } from '../../parsers/cib/values.ts';

interface Family {
  /** The primitives inside; a primitive has itself. */
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

/** A resource that another one needs, and a clause that says how. */
interface Need {
  other: string;
  how: string;
}

/**
 * The resources that have to run on a node before any of `own` can: earlier members of its group, and those that it has
 * to be colocated with.
 */
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
 * The pairs of a colocation: a dependent resource, and the one that it depends on. In a `sequential` set each member
 * depends on the one before it. Each set depends on the set after it (Pacemaker Explained, "Colocation Sets").
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
