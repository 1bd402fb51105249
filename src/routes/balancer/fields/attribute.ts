import type { JsonSchema } from '../../../server/table/field.ts';
import { part } from '../../../server/table/schema.ts';
import { isObject } from '../../../server/table/rules.ts';
import { missing, quoted, quotedOf, Unreadable, Wrong } from './wrong.ts';

/**
 * One attribute of a documented object. `T` is the type of its checked value.
 * Its reader gets the value as it was sent and the name of the attribute, for the sentence about a wrong value.
 */
export interface Attribute<T> {
  readonly read: (value: unknown, name: string, place: string) => T;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** The attributes of an object in the order in which they are checked; the first wrong one is told. */
export type Attributes = Readonly<Record<string, Attribute<unknown>>>;

interface Required<T> extends Attribute<T> {
  readonly isRequired: true;
}

type ReadBy<A> = A extends Attribute<infer T> ? T : never;
type RequiredKeys<A extends Attributes> = {
  [K in keyof A]: A[K] extends Required<unknown> ? K : never;
}[keyof A];

/** The checked values by the names of the attributes. What was not sent is not there. */
export type ReadValues<A extends Attributes> = {
  [K in RequiredKeys<A>]: ReadBy<A[K]>;
} & { [K in Exclude<keyof A, RequiredKeys<A>>]?: ReadBy<A[K]> };

export function attribute<T>(
  schema: JsonSchema,
  read: (value: unknown, name: string, place: string) => T,
): Attribute<T> {
  return { read, schema, isRequired: false };
}

/** The same attribute, without which the object is refused. */
export function required<T>({ read, schema }: Attribute<T>): Required<T> {
  return {
    schema,
    isRequired: true,
    read(value, name, place) {
      if (value === null || value === undefined) throw missing(name);
      return read(value, name, place);
    },
  };
}

/** The same attribute, which may be null. */
export function orNull<T>({ read, schema }: Attribute<T>): Attribute<T | null> {
  return attribute({ anyOf: [schema, { type: 'null' }] }, (value, name, place) =>
    value === null ? null : read(value, name, place),
  );
}

/** The same attribute, of which null means the default. */
export function orDefault<T>({ read, schema }: Attribute<T>, fallback: T): Attribute<T> {
  return attribute(
    { anyOf: [schema, { type: 'null' }], default: fallback },
    (value, name, place) => (value === null ? fallback : read(value, name, place)),
  );
}

/**
 * Reads an object: its unknown attributes are refused first, then each attribute is checked in the order of its type.
 * This is the order in which the recorded service told what is wrong.
 * @param place the argument with the names of the attributes below it, such as `load_balancer.vip`
 * @throws {Wrong} the first mistake
 * @throws {Unreadable} a value of another type, about which the reader of the argument writes
 */
export function readObject<A extends Attributes>(
  attributes: A,
  value: unknown,
  place: string,
): ReadValues<A> {
  if (!isObject(value)) {
    const name = place.slice(place.lastIndexOf('.') + 1);
    throw new Unreadable(`Value not a valid object: ${quotedOf(name, value)}`);
  }
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(attributes, key));
  if (unknown !== undefined)
    throw new Wrong(`Unknown attribute for argument ${place}: ${quoted(unknown).slice(0, 255)}`);
  const read: Record<string, unknown> = {};
  for (const [name, { read: readOne, isRequired }] of Object.entries(attributes)) {
    if (Object.hasOwn(value, name)) read[name] = readOne(value[name], name, `${place}.${name}`);
    else if (isRequired) throw missing(name);
  }
  return read as ReadValues<A>;
}

/** An object as an attribute. @param complete checks what one attribute alone cannot tell */
export function objectOf<A extends Attributes, T = ReadValues<A>>(
  attributes: A,
  complete: (values: ReadValues<A>, name: string) => T = (values) => values as T,
): Attribute<T> {
  return attribute(schemaOf(attributes), (value, name, place) =>
    complete(readObject(attributes, value, place), name),
  );
}

/** The same attribute, with a name for its type in the documents. */
export function named<T>(title: string, { schema, ...rest }: Attribute<T>): Attribute<T> {
  return { ...rest, schema: part(title, schema) };
}

/** Max number of objects in one list of a tree. The size of a body limits them too. */
const maxItems = 1000;

export function listOf<T>({ read, schema }: Attribute<T>): Attribute<readonly T[]> {
  return attribute({ type: 'array', items: schema, maxItems }, (value, name, place) => {
    if (!Array.isArray(value)) throw new Unreadable(`Value not a valid list: ${quoted(value)}`);
    if (value.length > maxItems)
      throw new Wrong(
        `Invalid input for field/attribute ${name}. Value should have at most ${maxItems} items`,
      );
    return value.map((each: unknown) => {
      if (each === null) throw missing(name);
      return read(each, name, place);
    });
  });
}

export function schemaOf(attributes: Attributes): JsonSchema {
  const names = Object.keys(attributes).filter((name) => attributes[name]?.isRequired);
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(attributes).map(([name, { schema }]) => [name, schema]),
    ),
    ...(names.length > 0 && { required: names }),
    additionalProperties: false,
  };
}
