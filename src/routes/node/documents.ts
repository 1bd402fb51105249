import { rule, type Rule } from '../../server/table/field.ts';
import {
  enumOf,
  flag,
  integer,
  listOf,
  orNull,
  part,
  record,
  text,
  texts,
} from '../../server/table/schema.ts';

// The documents of the node API have the keys of the types that the controller shares with the node.

const number = { type: 'number' };
const family = enumOf('ipv4', 'ipv6');

export const orders = part(
  'Orders',
  record({ store: text, epoch: integer, revision: integer, digest: text }),
);

const check = record({
  type: enumOf('tcp', 'http'),
  port: integer,
  'path?': text,
  intervalSeconds: integer,
  timeoutSeconds: integer,
  fall: integer,
  rise: integer,
});

const instance = record({
  name: text,
  family,
  interface: text,
  routerId: integer,
  priority: integer,
  interval: number,
  addresses: texts,
  peers: orNull(texts),
  source: orNull(text),
  preempt: flag,
  syncGroup: orNull(text),
  check: orNull(check),
});

export const wanted = part('WantedKeepalived', record({ instances: listOf(instance) }));

export const facts = record({
  name: text,
  machine: text,
  adopted: orNull(record({ store: text, epoch: integer })),
  keepalived: text,
  interfaces: listOf(record({ name: text, addresses: texts, is_up: flag })),
});

const reportedInstance = part(
  'ReportedInstance',
  record({
    name: text,
    state: enumOf('INIT', 'BACKUP', 'MASTER', 'FAULT'),
    since: orNull(integer),
    effectivePriority: orNull(integer),
    addresses: texts,
  }),
);

const otherRouter = part(
  'OtherRouter',
  record({ interface: text, family, routerId: integer, source: text }),
);

export const report = record({
  sequence: integer,
  boot: text,
  running: orNull(orders),
  version: text,
  isAnswering: flag,
  instances: listOf(reportedInstance),
  otherRouters: listOf(otherRouter),
  troubles: texts,
});

export const usedAddresses = record({ used: listOf(record({ address: text, by: text })) });

/** What the domain checks as a whole, because its parts depend on each other. */
export function checkedLater(schema: Readonly<Record<string, unknown>>): Rule<unknown> {
  return rule(schema, (chain) => chain.exists().withMessage('must be there'));
}

const maxPemLength = 32_768;

/** The text of a PEM file. */
export const pem: Rule<string> = rule({ type: 'string', maxLength: maxPemLength }, (chain) =>
  chain
    .isString()
    .bail()
    .isLength({ max: maxPemLength })
    .bail()
    .contains('-----BEGIN CERTIFICATE-----')
    .withMessage('must be a certificate as PEM'),
);

/** A number in the query. */
export const sequence: Rule<number> = rule({ type: 'integer', minimum: 0 }, (chain) =>
  chain
    .isInt({ min: 0, max: Number.MAX_SAFE_INTEGER })
    .withMessage('must be the number of a report')
    .toInt(),
);

export const boot: Rule<string> = rule({ type: 'string', maxLength: 64 }, (chain) =>
  chain.isString().bail().isLength({ max: 64 }).withMessage('must be the boot of a report'),
);
