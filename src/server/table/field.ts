import type { ValidationChain } from 'express-validator';

/** A JSON Schema (draft 2020-12), as in OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The rule for a value. T is the type of the checked value, so a field without a check has no type. */
export interface Rule<T> {
  /** Adds the check, its message, and the conversion to T. */
  readonly check: (chain: ValidationChain) => ValidationChain;
  /** The same rule for the OpenAPI document. */
  readonly schema: JsonSchema;
  /** Never set: it carries the type. */
  readonly type?: T;
}

/** @param check gets the value as it was sent; its message says what is expected */
export function rule<T>(
  schema: JsonSchema,
  check: (chain: ValidationChain) => ValidationChain,
): Rule<T> {
  return { schema, check };
}

/** A documented field that has no meaning for the route. A caller who sends it gets a warning. */
export const withoutMeaning: Rule<unknown> = rule({ deprecated: true }, (chain) => chain);

export type Place = 'path' | 'query' | 'body';

/** A value of a request: its place and its rule. */
export interface Field<T> extends Rule<T> {
  readonly place: Place;
  readonly isOptional: boolean;
  /** Its name in the request, if the route uses another one. */
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

/** An optional field of the body. */
export function optional<T>(of: Rule<T>): OptionalField<T> {
  return { ...of, place: 'body', isOptional: true };
}

/** The same field under another name for the route. */
export function named<F extends Field<unknown>>(name: string, field: F): F {
  return { ...field, name };
}

/** The fields of a route by the names that the route uses. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

type TypeOf<F> = F extends Rule<infer T> ? T : never;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never;
}[keyof F];

/** The values that a route gets, each with the type that its check guarantees. */
export type ValuesOf<F extends Fields> = {
  [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]>;
} & { [K in OptionalKeys<F>]?: TypeOf<F[K]> };
