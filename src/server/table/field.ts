import type { ValidationChain } from 'express-validator';

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 has them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What a value has to be.
 * T is the type of the value once it has been checked, so a field without its check has no type.
 */
export interface Rule<T> {
  /** Adds the check, its message and what makes a T of the value. */
  readonly check: (chain: ValidationChain) => ValidationChain;
  /** The same for readers of the OpenAPI document. */
  readonly schema: JsonSchema;
  /** Never there: it carries the type. */
  readonly type?: T;
}

/** @param check sees the value as it came, and says by its message what is expected */
export function rule<T>(
  schema: JsonSchema,
  check: (chain: ValidationChain) => ValidationChain,
): Rule<T> {
  return { schema, check };
}

/** A field that is documented and means nothing for the route: whoever sends it is told so. */
export const withoutMeaning: Rule<unknown> = rule({ deprecated: true }, (chain) => chain);

export type Place = 'path' | 'query' | 'body';

/** A value of a request: where it is, and what it has to be. */
export interface Field<T> extends Rule<T> {
  readonly place: Place;
  readonly isOptional: boolean;
  /** What it is called there, if that is another name than the route has for it. */
  readonly name?: string;
}

interface OptionalField<T> extends Field<T> {
  readonly isOptional: true;
}

/** A segment of the path. */
export function inPath<T>(of: Rule<T>): Field<T> {
  return { ...of, place: 'path', isOptional: false };
}

export function inQuery<T>(of: Rule<T>): OptionalField<T> {
  return { ...of, place: 'query', isOptional: true };
}

export function inBody<T>(of: Rule<T>): Field<T> {
  return { ...of, place: 'body', isOptional: false };
}

/** A field of the body that may be left out. */
export function optional<T>(of: Rule<T>): OptionalField<T> {
  return { ...of, place: 'body', isOptional: true };
}

/** The same field for a route that has its name for another one. */
export function named<F extends Field<unknown>>(name: string, field: F): F {
  return { ...field, name };
}

/** The fields of a route, by the names that it has for them. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

type TypeOf<F> = F extends Rule<infer T> ? T : never;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never;
}[keyof F];

/** What a route gets: the values of its fields, each of the type that its check makes sure of. */
export type ValuesOf<F extends Fields> = {
  [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]>;
} & { [K in OptionalKeys<F>]?: TypeOf<F[K]> };
