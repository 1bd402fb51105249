import type { Container, Primitive, Resource } from './cib.ts';

/** All primitives, each with its containers, outermost first. */
export function primitivesIn(
  resources: readonly Resource[],
  containers: readonly Container[] = [],
): { primitive: Primitive; containers: readonly Container[] }[] {
  return resources.flatMap((each) =>
    each.kind === 'primitive'
      ? [{ primitive: each, containers }]
      : primitivesIn(each.members, [...containers, each]),
  );
}

/** The ids of all primitives in a container. */
export function primitiveIds({ members }: Container): string[] {
  return primitivesIn(members).map(({ primitive }) => primitive.id);
}

/** All groups, clones and bundles, each with its containers, outermost first. */
export function containersIn(
  resources: readonly Resource[],
  containers: readonly Container[] = [],
): { container: Container; containers: readonly Container[] }[] {
  return resources.flatMap((each) =>
    each.kind === 'primitive'
      ? []
      : [{ container: each, containers }, ...containersIn(each.members, [...containers, each])],
  );
}
