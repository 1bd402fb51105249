import { parseIp, type Ip, bitsOf } from '../../kit/ip.ts';
import { type JsonSchema, type Rule, rule } from '../../server/table/field.ts';
import { orNull } from '../../server/table/schema.ts';

/** A value that is not as expected. Its message follows the name of the field. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
}

/**
 * A rule that checks a value as a whole and converts it.
 * @param read returns the converted value, or throws what is wrong with it
 */
export function checked<T>(schema: JsonSchema, read: (value: unknown) => T): Rule<T> {
  return rule(schema, (chain) =>
    chain
      .custom((value: unknown) => {
        read(value);
        return true;
      })
      .bail()
      .customSanitizer(read),
  );
}

/** The same rule, which also takes null and an empty text for a value that is not there. */
export function emptied<T>({ schema }: Rule<T>, read: (value: unknown) => T): Rule<T | null> {
  return checked<T | null>(orNull(schema), (value) =>
    value === null || value === '' ? null : read(value),
  );
}

export function numberWithin(min: number, max: number): (value: unknown) => number {
  return (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
      return value;
    throw new Wrong(`must be a whole number from ${min} to ${max}`);
  };
}

export function wholeNumber(min: number, max: number): Rule<number> {
  return checked({ type: 'integer', minimum: min, maximum: max }, numberWithin(min, max));
}

export function textMatching(pattern: string, expected: string): (value: unknown) => string {
  const expression = new RegExp(pattern);
  return (value) => {
    if (typeof value === 'string' && expression.test(value)) return value;
    throw new Wrong(`must be ${expected}`);
  };
}

function matching(pattern: string, expected: string): Rule<string> {
  return checked({ type: 'string', pattern }, textMatching(pattern, expected));
}

/** The max number that JSON and a column hold exactly, with room for digits only. */
const maxId = 999_999_999_999_999;

/** An id in a body. */
export const readId = numberWithin(1, maxId);
export const id: Rule<number> = wholeNumber(1, maxId);

/** An id in a path. */
export const idInPath: Rule<number> = checked({ type: 'integer', minimum: 1 }, (value) => {
  if (typeof value === 'string' && /^[1-9]\d{0,14}$/.test(value)) return Number(value);
  throw new Wrong('must be a whole number from 1');
});

/** The number of a page, or of its items. */
export function numberInQuery(max: number): Rule<number> {
  return checked({ type: 'integer', minimum: 1, maximum: max }, (value) => {
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : NaN;
    return numberWithin(1, max)(number);
  });
}

/** The name of a group or a gateway. */
export const name = matching(
  '^[A-Za-z0-9_.\\-]{1,64}$',
  '1 to 64 letters, digits, "_", "." and "-"',
);

export const groupStatus: Rule<0 | 1 | 2> = checked({ enum: [0, 1, 2] }, (value) => {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new Wrong('must be 0 (served and in DNS), 1 (served) or 2 (offline)');
});

export const routerId = wholeNumber(1, 255);

export function readFlag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new Wrong('must be true or false');
}
export const yesOrNo: Rule<boolean> = checked({ type: 'boolean' }, readFlag);
/** Null lets the agent choose. */
export const yesNoOrNull: Rule<boolean | null> = checked(orNull({ type: 'boolean' }), (value) =>
  value === null ? null : readFlag(value),
);

const ipv4Schema: JsonSchema = { type: 'string', examples: ['10.0.0.100', '10.0.0.100/24'] };
const ipv6Schema: JsonSchema = { type: 'string', examples: ['fd00::100', 'fd00::100/64'] };

/** An address with or without a prefix length; null if it is not there. */
export const virtualIp: Rule<string | null> = emptied(checked(ipv4Schema, readIpv4), readIpv4);
export const virtualIpv6: Rule<string | null> = emptied(checked(ipv6Schema, readIpv6), readIpv6);

function readIpv4(value: unknown): string {
  return readVirtual(value, 4, 'an IPv4 address, such as "10.0.0.100" or "10.0.0.100/24"');
}

function readIpv6(value: unknown): string {
  return readVirtual(value, 6, 'an IPv6 address, such as "fd00::100" or "fd00::100/64"');
}

/** @returns the canonical text */
function readVirtual(value: unknown, version: 4 | 6, expected: string): string {
  const [, address = '', , prefix] =
    (typeof value === 'string' && value.length <= 64 && /^([^/]+)(\/(\d{1,3}))?$/.exec(value)) ||
    [];
  const ip = parseIp(address);
  if (ip?.version !== version) throw new Wrong(`must be ${expected}`);
  const bits = prefix === undefined ? undefined : Number(prefix);
  if (bits !== undefined && (bits < 1 || bits > bitsOf[version]))
    throw new Wrong(`must have a prefix length from 1 to ${bitsOf[version]}`);
  if (isSpecial(ip))
    throw new Wrong('must be an address of a host: no loopback, link-local or multicast address');
  return bits === undefined ? ip.text : `${ip.text}/${bits}`;
}

/** Addresses that no host on a network has as its own (RFC 6890). */
function isSpecial({ version, value }: Ip): boolean {
  if (version === 4) {
    const first = Number(value >> 24n);
    return first === 0 || first === 127 || first >= 224 || value >> 16n === 0xa9fen;
  }
  // ::/96 has the unspecified address and loopback, ::ffff:0:0/96 has those of IPv4.
  return (
    value >> 32n === 0n ||
    value >> 32n === 0xffffn ||
    value >> 120n === 0xffn ||
    value >> 118n === 0x3fan
  );
}

/** @returns the object, if it has no other fields than these */
export function readObject(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Wrong(`must be an object with ${known.join(', ')}`);
  const other = Object.keys(value).find((each) => !known.includes(each));
  if (other !== undefined)
    throw new Wrong(
      `must not have the field '${other.slice(0, 100)}'; it may have ${known.join(', ')}`,
    );
  return value as Record<string, unknown>;
}

/** Reads one field of an object. Its message names the field. */
export function readField<T>(
  object: Record<string, unknown>,
  field: string,
  read: (value: unknown) => T,
  fallback?: T,
): T {
  const value = object[field];
  if (value === undefined && fallback !== undefined) return fallback;
  try {
    return read(value);
  } catch (error) {
    if (error instanceof Wrong)
      throw new Wrong(`must be right in '${field}', which ${error.message}`);
    throw error;
  }
}
