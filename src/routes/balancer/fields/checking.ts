import type { Request } from 'express';

import { Fault } from '../../../kit/fault.ts';
import type { Checking } from '../../../server/table/check.ts';
import type { Field, Fields } from '../../../server/table/field.ts';
import {
  type Attribute,
  type Attributes,
  attribute,
  readObject,
  type ReadValues,
} from './attribute.ts';
import { isUuid } from './values.ts';
import { quoted, Unreadable, Wrong, wrongValue } from './wrong.ts';

/** A field whose value an attribute reads. */
interface ReadField<T> extends Field<T> {
  attribute: Attribute<T>;
  argument?: Argument;
}

interface Argument {
  name: string;
  attributes: Attributes;
  check: (values: never) => void;
}

type ArgumentFields<A extends Attributes> = {
  [K in keyof A]: Field<A[K] extends Attribute<infer T> ? T : never> & {
    isOptional: A[K]['isRequired'] extends true ? false : true;
  };
};

/**
 * The body of a request as the documents call it: an argument with attributes.
 * @param name such as `load_balancer`, for the sentences about a wrong body
 * @param check what one attribute alone cannot tell; it throws Wrong
 */
export function argument<A extends Attributes>(
  name: string,
  attributes: A,
  check: (values: ReadValues<A>) => void = () => undefined,
): ArgumentFields<A> {
  const own: Argument = { name, attributes, check };
  return Object.fromEntries(
    Object.entries(attributes).map(([key, each]) => [
      key,
      { ...fieldOf(each, 'body', !each.isRequired), argument: own },
    ]),
  ) as unknown as ArgumentFields<A>;
}

/** A parameter of the query. */
export function parameter<T>(of: Attribute<T>): Field<T> & { isOptional: true } {
  return { ...fieldOf(of, 'query', true), isOptional: true };
}

/** An id in the path. Any text may be one; the domain says that it is not found. A tenant is no id, but any text. */
export function pathId(kind: string): Field<string> {
  const of: Attribute<string> = attribute({ type: 'string' }, (value) => {
    const text = String(value);
    // No store has an id with control characters.
    if (text.length <= 255 && !/\p{Cc}/u.test(text))
      return isUuid(text) && kind !== 'Quotas' ? text.toLowerCase() : text;
    throw new Fault('balancer_object_not_found', `${kind} ${visible(text)} not found.`);
  });
  return fieldOf(of, 'path', false);
}

function visible(text: string): string {
  return text.slice(0, 255).replace(/\p{Cc}/gu, ' ');
}

function fieldOf<T>(of: Attribute<T>, place: Field<T>['place'], isOptional: boolean): ReadField<T> {
  const { schema } = of;
  return { schema, check: (chain) => chain, place, isOptional, attribute: of };
}

/**
 * Reads the fields in the order of the documented types and tells only the first mistake, in the sentences of the
 * recorded service. express-validator checks all fields side by side, so it cannot tell which one was first.
 * Faults: `invalid_request`
 */
export const byArgument: Checking = {
  // The values are checked where they are read.
  check: () => (_request, _response, next) => {
    next();
  },
  valuesIn: (request, fields) =>
    orRefuse(
      () =>
        ({
          ...readPath(request, fields),
          ...readQuery(request, fields),
          ...readBody(request, fields),
        }) as never,
    ),
};

/** Makes a fault of a value that is wrong. Faults: `invalid_request`, those of `read` */
export function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Wrong) throw new Fault('invalid_request', error.message);
    throw error;
  }
}

function fieldsAt(fields: Fields, place: Field<unknown>['place']): [string, ReadField<unknown>][] {
  return Object.entries(fields as Readonly<Record<string, ReadField<unknown>>>).filter(
    ([, field]) => field.place === place,
  );
}

function readPath({ params }: Request, fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    fieldsAt(fields, 'path').map(([name, field]) => [
      name,
      field.attribute.read(params[name], name, name),
    ]),
  );
}

/** Each parameter once, because nobody can tell which of two is meant. Those of a sorting may be repeated. */
function readQuery({ query }: Request, fields: Fields): Record<string, unknown> {
  const known = new Map(fieldsAt(fields, 'query'));
  if (!Object.keys(query).every((name) => known.has(name)))
    throw new Wrong('One or more arguments are either duplicate or invalid');
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      known.get(name)?.attribute.read(value, name, name),
    ]),
  );
}

function readBody(request: Request, fields: Fields): Record<string, unknown> {
  const own = fieldsAt(fields, 'body')[0]?.[1].argument;
  const body = request.body as unknown;
  if (own === undefined) {
    // A body of a route that has none, such as the empty object of a DELETE.
    if (
      request.method !== 'GET' &&
      typeof body === 'object' &&
      body !== null &&
      Object.keys(body).length > 0
    )
      throw new Wrong('This request has no body. Send it without one.');
    return {};
  }
  if (body === undefined || request.get('Content-Length') === '0')
    throw new Wrong(`Missing argument: "${own.name}"`);
  try {
    const values = readObject(own.attributes, body, own.name);
    own.check(values as never);
    return values;
  } catch (error) {
    if (error instanceof Unreadable) throw wrongValue(own.name, body, quoted(error.message));
    throw error;
  }
}

/** A parameter that may come once only. */
export function once<T>(of: Attribute<T>): Attribute<T> {
  return attribute(of.schema, (value, name, place) => {
    if (typeof value !== 'string')
      throw new Wrong('One or more arguments are either duplicate or invalid');
    return of.read(value, name, place);
  });
}
