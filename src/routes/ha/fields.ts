import { body, type ValidationChain } from 'express-validator';

import type { Pairs } from '../../cluster/changes/cib-elements.ts';
import type { RuleJson } from '../../cluster/changes/constraints.ts';
import type { OperationOptions } from '../../cluster/changes/operations.ts';
import { isXmlId, resourceName } from '../names.ts';

/** What a caller may give for a pair: a scalar, as text; nothing takes the pair away. */
type Scalar = string | number | boolean | null;

// No attribute of Pacemaker's is near it, and it fits into a command line many times over.
const longestValue = 4096;
const mostPairs = 500;

// XML 1.0, production 2.
const xmlText = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** Text that XML can hold in an attribute. Whether the CIB may have it, and Pacemaker keeps it, the change finds out. */
export function isText(value: unknown): value is string {
  // Twice as many units: a character beyond U+FFFF has two.
  return (
    typeof value === 'string' &&
    value.length <= 2 * longestValue &&
    xmlText.test(value) &&
    Array.from(value).length <= longestValue
  );
}

function isScalar(value: unknown): value is Scalar {
  return value === null || typeof value === 'boolean' || Number.isFinite(value) || isText(value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// What names of parameters, meta attributes and options are made of.
const pairName = /^[A-Za-z0-9_][A-Za-z0-9_.:#-]{0,254}$/;

function arePairs(value: unknown): value is Record<string, Scalar> {
  return (
    isObject(value) &&
    Object.keys(value).length <= mostPairs &&
    Object.entries(value).every(([name, each]) => pairName.test(name) && isScalar(each))
  );
}

function textPairs(pairs: Record<string, Scalar>): Pairs {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );
}

/** Not default(), which takes `null` and an empty text for nothing as well. */
function orEmpty(value: unknown): unknown {
  return value === undefined ? {} : value;
}

/** The pairs as text, or undefined if they are none, or one has another name than these. */
export function pairsOf(value: unknown, names?: readonly string[]): Pairs | undefined {
  if (!arePairs(value)) return undefined;
  if (names && !Object.keys(value).every((name) => names.includes(name))) return undefined;
  return textPairs(value);
}

/** An object of options of these names, as text; `{}` if it is not there. */
export function options(field: string, names: readonly string[]): ValidationChain {
  return body(field)
    .customSanitizer(orEmpty)
    .custom((value: unknown) => pairsOf(value, names) !== undefined)
    .withMessage(`must be an object of options, of ${names.join(', ')}`)
    .bail()
    .customSanitizer(textPairs);
}

const pairsExpected =
  'an object of names and values; a name is of letters, digits, "_", "-", "." and ":", a value a string of at most 4096 characters that XML can hold, a number or a boolean';

/** An object of names and values, as text; `{}` if it is not there. */
export function pairs(field: string): ValidationChain {
  return body(field)
    .customSanitizer(orEmpty)
    .custom(arePairs)
    .withMessage(`must be ${pairsExpected}`)
    .bail()
    .customSanitizer(textPairs);
}

/** The same, but undefined if it is not there; `true` is as good as `{}`. */
export function pairsOrTrue(field: string): ValidationChain {
  return body(field)
    .optional()
    .custom((value: unknown) => typeof value === 'boolean' || arePairs(value))
    .withMessage(`must be true or ${pairsExpected}`)
    .bail()
    .customSanitizer((value: boolean | Record<string, Scalar>) => {
      if (typeof value === 'boolean') return value ? {} : undefined;
      return textPairs(value);
    });
}

// OCF has words such as `validate-all`.
const operationName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * Operations: options alone mean the monitor; else they are by the operation's name, more than one of a
 * name as an array.
 */
export function operations(field: string): ValidationChain {
  const areNamed = (value: unknown) =>
    isObject(value) &&
    Object.entries(value).every(
      ([name, each]) =>
        operationName.test(name) && (Array.isArray(each) ? each : [each]).every(arePairs),
    );
  return body(field)
    .customSanitizer(orEmpty)
    .custom((value: unknown) => arePairs(value) || areNamed(value))
    .withMessage(
      'must be an object: options of the monitor, such as {"interval": "30s"}, or operations by name, such as {"monitor": {"interval": "30s"}}',
    )
    .bail()
    .customSanitizer(operationsOf);
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

const mostNames = 200;

/** An array of names of resources, each once. */
export function resourceNames(field: string): ValidationChain {
  return body(field)
    .custom((value: unknown) => areResourceNames(value))
    .withMessage('must be an array of names of resources, each once, and not empty');
}

export function areResourceNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= mostNames &&
    new Set(value).size === value.length &&
    value.every(isXmlId)
  );
}

/** One of these words. */
export function oneOf(field: string, words: readonly string[]): ValidationChain {
  return body(field)
    .custom((value: unknown) => typeof value === 'string' && words.includes(value))
    .withMessage(`must be one of ${words.map((word) => `"${word}"`).join(', ')}`);
}

/** A score: an integer, or INFINITY (Pacemaker Explained, "Scores"), as text. */
export function score(field: string): ValidationChain {
  return body(field)
    .optional()
    .custom(
      (value: unknown) =>
        (typeof value === 'string' && /^[+-]?(?:\d{1,7}|INFINITY)$/.test(value)) ||
        (Number.isInteger(value) && Math.abs(value as number) <= 1_000_000),
    )
    .withMessage('must be an integer of up to seven digits, "INFINITY" or "-INFINITY"')
    .bail()
    .customSanitizer(String);
}

/** The id of what is made; without one it is chosen. */
export function newId(field: string): ValidationChain {
  return resourceName(field, body).optional();
}

const deepestRule = 8;
// Names of attributes and elements (rule-*.rng), whatever future ones there are.
const ruleName = /^[A-Za-z][A-Za-z0-9_.-]{0,254}$/;

/** A rule as `constraint` shows one. */
export function rule(field: string): ValidationChain {
  return body(field)
    .optional()
    .custom((value: unknown) => isRule(value, 0))
    .withMessage(
      'must be a rule as GET constraint shows one: attributes as strings, "expression", "date_expression" and "rule" as arrays',
    );
}

function isRule(value: unknown, depth: number): value is RuleJson {
  return (
    isObject(value) &&
    depth <= deepestRule &&
    Object.entries(value).every(
      ([name, each]) =>
        ruleName.test(name) &&
        (isText(each) ||
          (Array.isArray(each) &&
            each.length <= mostNames &&
            each.every((inside) => isRule(inside, depth + 1)))),
    )
  );
}
