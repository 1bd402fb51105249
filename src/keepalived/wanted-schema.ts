import * as z from 'zod';

import { Fault, type FieldError } from '../kit/fault.ts';
import { bitsOf, parseIp } from '../kit/ip.ts';
import { typeOf } from '../kit/type-of.ts';
import type { WantedInstance, WantedKeepalived } from './wanted.ts';

/** A segment has 255 router ids in each family, and a node a few interfaces. */
const maxInstances = 2048;
const maxAddresses = 256;
const maxPeers = 64;

const name = z.string().regex(/^[A-Za-z0-9_]{1,32}$/, 'must be 1 to 32 letters, digits or _');
export const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,15}$/, 'must be the name of an interface')
  .refine((value) => value !== '.' && value !== '..', 'must be the name of an interface');
const address = z
  .string()
  .max(45)
  .refine((value) => parseIp(value) !== undefined, 'must be an IP address');
const addressWithPrefix = z.string().max(49).refine(hasPrefix, 'must be such as 10.0.0.100/24');
const seconds = z.number().int().min(1).max(3600);
const times = z.number().int().min(1).max(100);

const check = z
  .strictObject({
    type: z.enum(['tcp', 'http']),
    port: z.number().int().min(1).max(65_535),
    path: z
      .string()
      .regex(/^\/[!-~]{0,255}$/, 'must begin with a slash and have printable characters only')
      .optional(),
    intervalSeconds: seconds,
    timeoutSeconds: seconds,
    fall: times,
    rise: times,
  })
  .refine(({ type, path }) => type === 'http' || path === undefined, 'tcp has no path');

const instance = z
  .strictObject({
    name,
    family: z.enum(['ipv4', 'ipv6']),
    interface: interfaceName,
    routerId: z.number().int().min(1).max(255),
    priority: z.number().int().min(1).max(254),
    // VRRP has hundredths of a second (RFC 5798, section 5.2.7).
    interval: z.number().min(0.01).max(40.95).refine(isHundredths, 'must be in steps of 0.01'),
    addresses: z.array(addressWithPrefix).min(1).max(maxAddresses),
    peers: z.array(address).max(maxPeers).nullable(),
    source: address.nullable(),
    preempt: z.boolean(),
    syncGroup: name.nullable(),
    check: check.nullable(),
  })
  .refine(isOfOneFamily, 'must have addresses of its own family only')
  .refine(({ peers, source }) => peers === null || source !== null, 'unicast needs a source');

const wantedKeepalived = z.strictObject({ instances: z.array(instance).max(maxInstances) });

/**
 * Checks what keepalived is to do, so that it can be rendered.
 * Faults: `invalid_request` with an entry for each problem
 */
export function readWanted(value: unknown, field = 'wanted'): WantedKeepalived {
  const wanted = checkedBy(wantedKeepalived, value, field) as WantedKeepalived;
  const errors = contradictionsIn(wanted.instances).map((message) => ({
    field,
    message,
    type: 'object',
  }));
  if (errors.length > 0) throw refusal(errors);
  return wanted;
}

/** @returns the value with the type of the schema. Faults: `invalid_request` */
export function checkedBy<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, maxErrors).map(({ path, message }) => ({
    field: [field, ...path.map(String)].join('.'),
    message,
    type: typeOf(at(value, path)),
  }));
  throw refusal(errors);
}

const maxErrors = 20;

function refusal(errors: readonly FieldError[]): Fault {
  const list = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new Fault('invalid_request', `The request is not as documented. ${list}.`, { errors });
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null
        ? (part as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

/** What keepalived would refuse, or would do with only one of two instances. */
function contradictionsIn(instances: readonly WantedInstance[]): string[] {
  const keysOf: readonly [what: string, key: (each: WantedInstance) => readonly string[]][] = [
    ['the name', ({ name: own }) => [own]],
    [
      'the router id on an interface',
      ({ family, interface: device, routerId }) => [`${family} ${device} ${routerId}`],
    ],
    ['an address', ({ addresses }) => addresses.map((each) => plain(each))],
  ];
  return keysOf.flatMap(([what, key]) => {
    const seen = new Set<string>();
    const twice = instances.flatMap(key).find((each) => seen.size === seen.add(each).size);
    return twice === undefined ? [] : [`instances must not share ${what} (${twice})`];
  });
}

function plain(address: string): string {
  const text = address.split('/')[0] ?? '';
  return parseIp(text)?.text ?? text;
}

function hasPrefix(value: string): boolean {
  const [text = '', prefix = '', ...rest] = value.split('/');
  const ip = parseIp(text);
  return (
    ip !== undefined &&
    rest.length === 0 &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) >= 1 &&
    Number(prefix) <= bitsOf[ip.version]
  );
}

function isHundredths(value: number): boolean {
  return Math.abs(value * 100 - Math.round(value * 100)) < 1e-6;
}

function isOfOneFamily({
  family,
  addresses,
  peers,
  source,
}: {
  family: 'ipv4' | 'ipv6';
  addresses: readonly string[];
  peers: readonly string[] | null;
  source: string | null;
}): boolean {
  const version = family === 'ipv4' ? 4 : 6;
  const all = [...addresses, ...(peers ?? []), ...(source === null ? [] : [source])];
  return all.every((each) => parseIp(each.split('/')[0] ?? '')?.version === version);
}
