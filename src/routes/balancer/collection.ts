import type { BalancerDomain, Condition, Page, Place, Scope } from '../../balancer/domain.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, JsonSchema, ValuesOf } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import type { MakeChange } from './change.ts';
import { idOf, ofLoadBalancer } from './load-balancers.ts';
import { listRow, objectRow, placeOf } from './reading.ts';

/** The objects of one kind below a load balancer, and how their routes read and show them. */
export interface CollectionRoutes<
  T extends { id: string },
  Created,
  P extends Fields,
  Q extends Fields,
  N extends Fields,
  C extends Fields,
> {
  /** Such as `/loadbalancers/:loadbalancer/listeners`. */
  path: string;
  /** The singular for sentences, such as `listener`. */
  noun: string;
  /** Such as `A listener`. */
  a: string;
  plural: string;
  /** The ids of the objects above, besides the load balancer. */
  above: P;
  /** Parameters of the list that name a place, besides those of paging. */
  filter?: Fields;
  /** The id of the object itself. */
  itself: Q;
  /** Its name in the path. */
  key: string;
  sortKeys: readonly string[];
  sent: { new: N; change: C };
  schemas: { one: JsonSchema; created: JsonSchema };
  /** Those of the domain. */
  objects: {
    list(scope: Scope, place: Place, page: Page): Promise<readonly T[]>;
    get(scope: Scope, place: Place, id: string): Promise<T>;
    remove(scope: Scope, place: Place, id: string, condition: Condition): Promise<void>;
  };
  create: (values: ValuesOf<N>, site: PlacedSite) => Promise<Created>;
  change: (id: string, values: ValuesOf<C>, site: PlacedSite) => Promise<T>;
  document: (of: T) => object;
  createdDocument: (of: Created) => object;
  createdId: (of: Created) => string;
  codes?: readonly FaultCode[];
}

export interface PlacedSite {
  scope: Scope;
  place: Place;
  condition: Condition;
}

type PathValues = Parameters<typeof placeOf>[0] & Readonly<Record<string, string>>;

/** The routes of a collection: its list, a new object, and one object to read, change and remove. */
export function collectionRows<
  T extends { id: string },
  Created,
  P extends Fields,
  Q extends Fields,
  N extends Fields,
  C extends Fields,
>(
  domain: BalancerDomain,
  changing: MakeChange,
  routes: CollectionRoutes<T, Created, P, Q, N, C>,
): Row[] {
  const { path, noun, a, plural, key, objects, document } = routes;
  const above: Fields = { ...ofLoadBalancer, ...routes.above };
  const itself: Fields = { ...above, ...routes.itself };
  const onePath = `${path}/:${key}`;
  const placeIn = (values: ValuesOf<Fields>) => placeOf(pathOf(values, above));
  const idIn = (values: ValuesOf<Fields>) => String(values[key]);
  const loadBalancer = (values: ValuesOf<Fields>) => idOf(values as PathValues);
  const ofChange: readonly FaultCode[] = ['balancer_invalid', 'balancer_conflict'];
  return [
    listRow<Fields, T>({
      path,
      summary: `The ${plural}.`,
      fields: { ...above, ...routes.filter },
      schema: routes.schemas.one,
      keys: routes.sortKeys,
      list: (values, page, scope) =>
        objects.list(scope, { ...placeIn(values), ...filteredPlace(values) }, page),
      document,
    }),
    changing<Fields>({
      methods: ['POST'],
      path,
      summary: `Makes ${a}.`,
      fields: { ...above, ...routes.sent.new },
      schema: routes.schemas.created,
      codes: [...ofChange, 'balancer_quota_met', ...(routes.codes ?? [])],
      loadBalancer,
      async carryOut(values, { scope, condition }) {
        const place = placeIn(values);
        const sent = without(values, above) as ValuesOf<N>;
        const made = await routes.create(sent, { scope, place, condition });
        const id = routes.createdId(made);
        return {
          body: routes.createdDocument(made),
          again: async () => ({
            ...routes.createdDocument(made),
            ...document(await objects.get(scope, place, id)),
          }),
        };
      },
    }),
    objectRow<Fields>(domain, {
      path: onePath,
      summary: `One ${noun}.`,
      fields: itself,
      schema: routes.schemas.one,
      get: async (values, scope) =>
        document(await objects.get(scope, placeIn(values), idIn(values))),
    }),
    changing<Fields>({
      methods: ['PUT'],
      path: onePath,
      summary: `Changes ${a}. What is not sent stays. The answer shows it as it was.`,
      fields: { ...itself, ...routes.sent.change },
      schema: routes.schemas.one,
      codes: [...ofChange, ...(routes.codes ?? [])],
      loadBalancer,
      async carryOut(values, { scope, condition }) {
        const place = placeIn(values);
        const id = idIn(values);
        const sent = without(values, itself) as ValuesOf<C>;
        const changed = await routes.change(id, sent, { scope, place, condition });
        return {
          body: document(changed),
          again: async () => document(await objects.get(scope, place, id)),
        };
      },
    }),
    changing<Fields>({
      methods: ['DELETE'],
      path: onePath,
      summary: `Removes ${a}.`,
      fields: itself,
      schema: 'nothing',
      codes: ['balancer_conflict'],
      loadBalancer,
      async carryOut(values, { scope, condition }) {
        await objects.remove(scope, placeIn(values), idIn(values), condition);
        return {};
      },
    }),
  ];
}

function pathOf(values: ValuesOf<Fields>, fields: Fields): PathValues {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, values[name]])) as PathValues;
}

function filteredPlace({ listener_id: listener }: ValuesOf<Fields>): { listener?: string } {
  return typeof listener === 'string' ? { listener } : {};
}

/** The values of the body. The names of the path are never those of a body. */
function without(values: ValuesOf<Fields>, path: Fields): object {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !(name in path)));
}
