import { parseIp } from '../../../kit/ip.ts';
import { isObject } from '../../../server/table/rules.ts';
import { type Attribute, attribute } from './attribute.ts';
import { quoted, Unreadable, Wrong, wrongValue } from './wrong.ts';

const uuidPattern = '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$';
const uuidExpression = new RegExp(uuidPattern);
// A line break in a value could become a line of a configuration, and nobody sees the others.
const control = /[\p{Cc}\u2028\u2029]/u;

export function isUuid(value: unknown): boolean {
  return typeof value === 'string' && uuidExpression.test(value);
}

export function hasControl(text: string): boolean {
  return control.test(text);
}

/** An id, in lower case. */
export const uuid: Attribute<string> = attribute(
  { type: 'string', pattern: uuidPattern },
  (value, name) => {
    if (isUuid(value)) return String(value).toLowerCase();
    throw wrongValue(name, value, 'Value should be UUID format');
  },
);

/** @param max characters */
export function textUpTo(max: number, min = 0): Attribute<string> {
  const schema = { type: 'string', maxLength: max, ...(min > 0 && { minLength: min }) };
  return attribute(schema, (value, name) => {
    if (typeof value !== 'string') throw wrongValue(name, value, 'Value should be string');
    // A character may take two units.
    if (value.length > max && (value.match(/./gsu)?.length ?? 0) > max)
      throw wrongValue(name, value, `Value should have a maximum character requirement of ${max}`);
    if (value.length < min)
      throw wrongValue(name, value, `Value should have a minimum character requirement of ${min}`);
    if (control.test(value))
      throw wrongValue(name, visible(value), 'Value should have no control characters');
    return value;
  });
}

/** A text that matches, of at most 255 characters. @param expected the end of the sentence */
export function textMatching(expression: RegExp, expected: string, max = 255): Attribute<string> {
  const { read, schema } = textUpTo(max);
  return attribute({ ...schema, pattern: expression.source }, (value, name, place) => {
    const text = read(value, name, place);
    if (expression.test(text)) return text;
    throw wrongValue(name, text, expected);
  });
}

function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

export function oneOf<const W extends string>(texts: readonly W[]): Attribute<W> {
  return attribute({ type: 'string', enum: texts }, (value, name) => {
    const found = texts.find((text) => text === value);
    if (found !== undefined) return found;
    throw wrongValue(name, value, `Value should be one of: ${texts.join(', ')}`);
  });
}

// The recorded service takes these texts for booleans, and no other spelling of them.
const yes: readonly unknown[] = [true, 1, 'true', 't', 'yes', 'y', 'on', '1'];
const no: readonly unknown[] = [false, 0, 'false', 'f', 'no', 'n', 'off', '0'];

export const flag: Attribute<boolean> = attribute({ type: 'boolean' }, (value, name) => {
  if (yes.includes(value)) return true;
  if (no.includes(value)) return false;
  if (value === null) throw wrongValue(name, value, 'Value should be true or false');
  throw new Unreadable(`Value not an unambiguous boolean: ${quoted(value)}`);
});

/** A whole number. The number as text counts too. */
export function wholeNumber(min: number, max: number): Attribute<number> {
  return attribute({ type: 'integer', minimum: min, maximum: max }, (value, name) => {
    const number = numberIn(value, name);
    if (number < min) throw wrongValue(name, value, `Value should be greater or equal to ${min}`);
    if (number > max) throw wrongValue(name, value, `Value should be lower or equal to ${max}`);
    return number;
  });
}

function numberIn(value: unknown, name: string): number {
  if (typeof value === 'string') {
    if (/^ *[+-]?\d{1,15} *$/.test(value)) return Number(value);
    throw new Unreadable(`invalid literal for int() with base 10: '${quoted(value)}'`);
  }
  if (typeof value === 'object' && value !== null)
    throw new Unreadable(`a number was expected, not ${quoted(value)}`);
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw wrongValue(name, value, 'Value should be a whole number');
}

export const portNumber = wholeNumber(1, 65535);

/** An address in its canonical spelling. */
export const ipAddress: Attribute<string> = attribute(
  { type: 'string', examples: ['192.0.2.1', '2001:db8::1'] },
  (value, name) => {
    const ip = typeof value === 'string' ? parseIp(value) : undefined;
    if (ip !== undefined) return ip.text;
    throw wrongValue(name, value, 'Value should be IPv4 or IPv6 format');
  },
);

export const forwardedHeaders = [
  'X-Forwarded-For',
  'X-Forwarded-Port',
  'X-Forwarded-Proto',
] as const;

/** The headers that a listener adds; `"true"` sets one. */
export const insertHeaders: Attribute<Readonly<Record<string, string>>> = attribute(
  {
    type: 'object',
    properties: Object.fromEntries(forwardedHeaders.map((name) => [name, { type: 'string' }])),
    additionalProperties: false,
  },
  (value, name) => {
    if (value === null) return {};
    if (!isObject(value)) throw new Unreadable(`Value not a valid dict: ${quoted(value)}`);
    const isOffered = Object.keys(value).every((header) =>
      (forwardedHeaders as readonly string[]).includes(header),
    );
    if (!isOffered) throw new Wrong(`${quoted(value)} is not a valid option for insert_headers`);
    const text = textUpTo(255);
    return Object.fromEntries(
      Object.entries(value).map(([header, each]) => [header, text.read(each, name, name)]),
    );
  },
);
