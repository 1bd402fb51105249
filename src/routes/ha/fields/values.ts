import type { OperationOptions } from '../../../cluster/edits/catalogue/operations.ts';
import { type Rule, rule } from '../../../server/table/field.ts';
import { isObject } from '../../../server/table/rules.ts';
import { isXmlId } from './names.ts';
import type { Pairs } from '../../../cluster/model.ts';
import type { RuleContent } from '../../../cluster/edits/catalogue/constraints/locations.ts';

/** The possible values of a pair: a scalar, as text, or an empty value, which removes the pair. */
type Scalar = string | number | boolean | null;

// No attribute of Pacemaker is nearly as long, and a command line has room for many of these.
const maxValue = 4096;
const maxPairs = 500;

// XML 1.0, production 2.
const xmlText = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** Text that XML allows in an attribute. The change checks whether the CIB allows it and Pacemaker keeps it. */
export function isText(value: unknown): value is string {
  // Twice as many units, because a character above U+FFFF has two.
  return (
    typeof value === 'string' &&
    value.length <= 2 * maxValue &&
    xmlText.test(value) &&
    Array.from(value).length <= maxValue
  );
}

function isScalar(value: unknown): value is Scalar {
  return value === null || typeof value === 'boolean' || Number.isFinite(value) || isText(value);
}

// The characters in names of parameters, meta attributes and options.
const pairName = /^[A-Za-z0-9_][A-Za-z0-9_.:#-]{0,254}$/;

function arePairs(value: unknown): value is Record<string, Scalar> {
  return (
    isObject(value) &&
    Object.keys(value).length <= maxPairs &&
    Object.entries(value).every(([name, each]) => pairName.test(name) && isScalar(each))
  );
}

function textPairs(pairs: Record<string, Scalar>): Pairs {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );
}

/** default() would also replace `null` and an empty text. */
function orEmpty(value: unknown): unknown {
  return value === undefined ? {} : value;
}

/** The pairs as text; undefined if the value is no object of pairs, or has another name. */
export function pairsOf(value: unknown, names?: readonly string[]): Pairs | undefined {
  if (!arePairs(value)) return undefined;
  if (names && !Object.keys(value).every((name) => names.includes(name))) return undefined;
  return textPairs(value);
}

const scalarSchema = { type: ['string', 'number', 'boolean', 'null'] };

/** An object of options with these names, as text; `{}` if it is missing. */
export function options(names: readonly string[]): Rule<Pairs> {
  const properties = Object.fromEntries(names.map((name) => [name, scalarSchema]));
  return rule({ type: 'object', properties, additionalProperties: false, default: {} }, (chain) =>
    chain
      .customSanitizer(orEmpty)
      .custom((value: unknown) => pairsOf(value, names) !== undefined)
      .withMessage(`must be an object of options, of ${names.join(', ')}`)
      .bail()
      .customSanitizer(textPairs),
  );
}

const pairsExpected =
  'an object of names and values; a name is of letters, digits, "_", "-", "." and ":", a value a string of at most 4096 characters that XML can hold, a number or a boolean';
const pairsSchema = {
  type: 'object',
  maxProperties: maxPairs,
  additionalProperties: scalarSchema,
  description: pairsExpected,
};

/** An object of names and values, as text; `{}` if it is missing. */
export const pairs: Rule<Pairs> = rule({ ...pairsSchema, default: {} }, (chain) =>
  chain
    .customSanitizer(orEmpty)
    .custom(arePairs)
    .withMessage(`must be ${pairsExpected}`)
    .bail()
    .customSanitizer(textPairs),
);

/** The same. `true` is as good as `{}`, and `false` as good as nothing. */
export const pairsOrTrue: Rule<Pairs | undefined> = rule(
  { anyOf: [{ type: 'boolean' }, pairsSchema] },
  (chain) =>
    chain
      .custom((value: unknown) => typeof value === 'boolean' || arePairs(value))
      .withMessage(`must be true or ${pairsExpected}`)
      .bail()
      .customSanitizer((value: boolean | Record<string, Scalar>) => {
        if (typeof value === 'boolean') return value ? {} : undefined;
        return textPairs(value);
      }),
);

// OCF has names such as `validate-all`.
const operationName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * Operations. Options alone belong to the monitor. Otherwise the key is the operation's name, and several operations of
 * one name are an array.
 */
export const operations: Rule<OperationOptions[]> = rule(
  {
    type: 'object',
    default: {},
    description: 'options of the monitor, or operations by their names',
    examples: [{ interval: '30s' }, { monitor: { interval: '30s' } }],
  },
  (chain) =>
    chain
      .customSanitizer(orEmpty)
      .custom((value: unknown) => arePairs(value) || areNamedOperations(value))
      .withMessage(
        'must be an object: options of the monitor, such as {"interval": "30s"}, or operations by name, such as {"monitor": {"interval": "30s"}}',
      )
      .bail()
      .customSanitizer(operationsOf),
);

function areNamedOperations(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([name, each]) =>
        operationName.test(name) && (Array.isArray(each) ? each : [each]).every(arePairs),
    )
  );
}

function operationsOf(value: Record<string, unknown>): OperationOptions[] {
  if (Object.keys(value).length === 0) return [];
  if (arePairs(value)) return [{ name: 'monitor', options: textPairs(value) }];
  return Object.entries(value).flatMap(([name, each]) =>
    (Array.isArray(each) ? each : [each])
      .filter(arePairs)
      .map((options) => ({ name, options: textPairs(options) })),
  );
}

const maxNames = 200;

/** An array of names of resources without repetitions. */
export const resourceNames: Rule<string[]> = rule(
  {
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    maxItems: maxNames,
    uniqueItems: true,
  },
  (chain) =>
    chain
      .custom((value: unknown) => areResourceNames(value))
      .withMessage('must be an array of names of resources, each once, and not empty'),
);

export function areResourceNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= maxNames &&
    new Set(value).size === value.length &&
    value.every(isXmlId)
  );
}

/** A score: an integer, or INFINITY (Pacemaker Explained, "Scores"), as text. */
export const score: Rule<string> = rule(
  { type: ['integer', 'string'], pattern: '^[+-]?(?:\\d{1,7}|INFINITY)$' },
  (chain) =>
    chain
      .custom(
        (value: unknown) =>
          (typeof value === 'string' && /^[+-]?(?:\d{1,7}|INFINITY)$/.test(value)) ||
          (Number.isInteger(value) && Math.abs(value as number) <= 1_000_000),
      )
      .withMessage('must be an integer of up to seven digits, "INFINITY" or "-INFINITY"')
      .bail()
      .customSanitizer(String),
);

const maxRuleDepth = 8;
// Names of attributes and elements (rule-*.rng), including future ones.
const ruleName = /^[A-Za-z][A-Za-z0-9_.-]{0,254}$/;

/** A rule in the format of `constraint`. */
export const constraintRule: Rule<RuleContent> = rule(
  { type: 'object', description: 'a rule as GET constraint shows one' },
  (chain) =>
    chain
      .custom((value: unknown) => isRule(value, 0))
      .withMessage(
        'must be a rule as GET constraint shows one: attributes as strings, "expression", "date_expression" and "rule" as arrays',
      ),
);

function isRule(value: unknown, depth: number): value is RuleContent {
  return (
    isObject(value) &&
    depth <= maxRuleDepth &&
    Object.entries(value).every(
      ([name, each]) =>
        ruleName.test(name) &&
        (isText(each) ||
          (Array.isArray(each) &&
            each.length <= maxNames &&
            each.every((inside) => isRule(inside, depth + 1)))),
    )
  );
}
