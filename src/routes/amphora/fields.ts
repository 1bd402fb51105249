import { isIP } from 'node:net';

import { type Action, actions, type HostRoute, type SubnetAddress } from '../../amphora/amphora.ts';
import { Fault } from '../../kit/fault.ts';
import { type JsonSchema, type Rule, rule } from '../../server/table/field.ts';
import { isObject } from '../../server/table/rules.ts';
import { listOf, orNull, record, text } from '../../server/table/schema.ts';

/**
 * A rule that checks a value as a whole and converts it.
 * @param read returns the converted value; undefined for a value that is not as expected
 * @param expected the rest of "must be …"
 */
export function parsed<T>(
  schema: JsonSchema,
  read: (value: unknown) => T | undefined,
  expected: string,
): Rule<T> {
  return rule(schema, (chain) =>
    chain
      .custom((value: unknown) => read(value) !== undefined)
      .withMessage(`must be ${expected}`)
      .bail()
      .customSanitizer(read),
  );
}

/** The same rule, which also takes null for a value that is not there. Controllers write None as null. */
export function nullable<T>({ schema, check }: Rule<T>): Rule<T | undefined> {
  return rule(orNull(schema), (chain) =>
    check(chain.optional({ values: 'null' })).customSanitizer(
      (value: unknown) => value ?? undefined,
    ),
  );
}

/** Folders of the agent in the folder of the owners. */
const reservedIds = ['certs', 'lvs', 'vrrp'];
const idPattern = '^[A-Za-z0-9_-]{1,64}$';

/** The id of an amphora, a load balancer or a listener. It becomes the name of a folder and of a unit. */
export const objectId: Rule<string> = parsed(
  { type: 'string', pattern: idPattern },
  matching(new RegExp(idPattern), (id) => !reservedIds.includes(id)),
  `1 to 64 letters, digits, "-" and "_", and not ${reservedIds.map((id) => `"${id}"`).join(', ')}`,
);

const filePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,250}\\.pem$';

/** The name of a certificate's file. */
export const pemName: Rule<string> = parsed(
  { type: 'string', pattern: filePattern },
  matching(new RegExp(filePattern), (name) => !name.includes('..')),
  'a letter or a digit, then letters, digits, ".", "-" and "_", and ".pem" at the end',
);

/** The name of an action, in any case. The row refuses one that it does not know. */
export const actionName: Rule<string> = parsed(text, textOf, 'a text');

/** @param name an action in any case. Faults: `action_unknown`, which has the name as it was sent */
export function actionOf(name: string): Action {
  const found = actions.find((each) => each === name.toLowerCase());
  if (found === undefined) throw new Fault('action_unknown', `Unknown action: ${name}`);
  return found;
}

function matching(pattern: RegExp, isAllowed: (value: string) => boolean) {
  return (value: unknown) =>
    typeof value === 'string' && pattern.test(value) && isAllowed(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An address without a zone. */
function addressOf(value: unknown): string | undefined {
  return typeof value === 'string' && isIP(value) !== 0 && !value.includes('%') ? value : undefined;
}

function cidrOf(value: unknown): string | undefined {
  const [, address = '', bits = ''] =
    typeof value === 'string' ? (/^([^/]+)\/(\d{1,3})$/.exec(value) ?? []) : [];
  const max = isIP(address) === 4 ? 32 : 128;
  return addressOf(address) !== undefined && Number(bits) <= max ? `${address}/${bits}` : undefined;
}

export const address: Rule<string> = parsed(text, addressOf, 'an IPv4 or IPv6 address');
export const cidr: Rule<string> = parsed(text, cidrOf, 'a subnet, such as "10.0.0.0/24"');

/** An address that may be missing or null. */
export const addressIfAny: Rule<string | undefined> = nullable(address);

const macPattern = '^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$';

/** A MAC address. The result is in lower case, as in the kernel. */
export const mac: Rule<string> = parsed(
  { type: 'string', pattern: macPattern },
  (value) =>
    typeof value === 'string' && new RegExp(macPattern).test(value)
      ? value.toLowerCase()
      : undefined,
  'a MAC address, such as "fa:16:3e:00:00:01"',
);

/** IPv4 needs 68 bytes (RFC 791), and the length of a packet has 16 bits. */
export const mtu: Rule<number> = parsed(
  { type: 'integer', minimum: 68, maximum: 65535 },
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 68 && value <= 65535
      ? value
      : undefined,
  'a number from 68 to 65535',
);

const hostRouteSchema = record({ destination: text, nexthop: text });
const subnetAddressSchema = record({
  ip_address: text,
  subnet_cidr: text,
  'gateway?': orNull(text),
  'host_routes?': orNull(listOf(hostRouteSchema)),
});

/** The routes of a subnet. */
export const hostRoutes: Rule<readonly HostRoute[]> = parsed(
  listOf(hostRouteSchema),
  hostRoutesOf,
  'a list of routes, each with "destination" and "nexthop"',
);

/** Addresses, each with its subnet. */
export const subnetAddresses: Rule<readonly SubnetAddress[]> = parsed(
  listOf(subnetAddressSchema),
  (value) => listOfAll(value, subnetAddressOf),
  'a list of addresses, each with "ip_address", "subnet_cidr" and perhaps "gateway" and "host_routes"',
);

/** No port has more addresses or routes. */
const maxItems = 1000;

/** @returns the items as read; undefined if one of them is not as expected */
function listOfAll<T>(value: unknown, read: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > maxItems) return undefined;
  const items = value.map(read);
  return items.every((item) => item !== undefined) ? items : undefined;
}

function hostRoutesOf(value: unknown): HostRoute[] | undefined {
  return listOfAll(value, (item) => {
    if (!isObject(item) || !hasOnly(item, ['destination', 'nexthop'])) return undefined;
    const [destination, nexthop] = [cidrOf(item['destination']), addressOf(item['nexthop'])];
    return destination === undefined || nexthop === undefined
      ? undefined
      : { destination, nexthop };
  });
}

function subnetAddressOf(item: unknown): SubnetAddress | undefined {
  if (!isObject(item)) return undefined;
  if (!hasOnly(item, ['ip_address', 'subnet_cidr', 'gateway', 'host_routes'])) return undefined;
  const [ip, subnet] = [addressOf(item['ip_address']), cidrOf(item['subnet_cidr'])];
  const routes = hostRoutesOf(item['host_routes'] ?? []);
  const given = item['gateway'] ?? undefined;
  const gateway = addressOf(given);
  if (ip === undefined || subnet === undefined || routes === undefined) return undefined;
  if (given !== undefined && gateway === undefined) return undefined;
  return { address: ip, cidr: subnet, gateway, hostRoutes: routes };
}

function hasOnly(object: object, names: readonly string[]): boolean {
  return Object.keys(object).every((name) => names.includes(name));
}

/** A text of a topology request. The domain says which texts it knows. */
export const plainText: Rule<string> = parsed(text, textOf, 'a text');
