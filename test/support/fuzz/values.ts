import type { JsonSchema } from '../../../src/server/table/field.ts';
import type { Random } from '../random.ts';

/** Random choices of one request. */
export interface Dice {
  /** Whether something of this probability happens. */
  chance: (probability: number) => boolean;
  pick: <T>(from: readonly T[]) => T;
  below: (limit: number) => number;
}

export function diceOf(random: Random): Dice {
  const below = (limit: number) => Math.floor(random() * limit);
  return {
    chance: (probability) => random() < probability,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    below,
  };
}

/** Each of these could be read as an option, a path out of its folder, another line or the end of a text. */
export const hostile: readonly string[] = [
  '-f',
  '--force',
  '-',
  '--',
  '-h',
  '--help=x',
  '-Rx',
  '../../etc/passwd',
  '..',
  '/etc/shadow',
  '.',
  'a\nb',
  'a\r\nX: y',
  'a\0b',
  '$(id)',
  '`id`',
  '; id',
  '| id',
  '&& id',
  "' OR '1",
  '"><x/>',
  '%2e%2e%2f',
  '%00',
  '\u202e',
  '\ud83d\ude00',
  '\ud800',
  'é',
  ' ',
  '',
  '<x>',
  ']]>',
  '&amp;',
  '&#0;',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '*',
  '#',
  '?',
  'nul\u2028',
  'ａ',
  'İ',
  'a'.repeat(255),
  'a'.repeat(256),
  'x'.repeat(5000),
  '\ufeff',
  '\uffff',
];

/** Texts that mean something to the agent or the cluster. */
export interface Pools {
  /** Values by a part of the description of their rule. */
  byRule: Readonly<Record<string, readonly string[]>>;
  /** The values that are names of one kind, by a word in their path or field. */
  byWord: Readonly<Record<string, readonly string[]>>;
}

const generic: readonly string[] = [
  '1',
  '9',
  '0',
  '100',
  '-100',
  'INFINITY',
  '-INFINITY',
  '30s',
  '2m',
  '5',
  'true',
  'false',
  'stop',
  'freeze',
  'Started',
  'location',
  'order',
  'x-1',
  'batch-limit',
  'ticketA',
  'ab'.repeat(128),
  '/etc/a',
  '/etc',
  '********',
  '192.0.2.7',
  'totem {\n  version: 2\n  cluster_name: dolocoin\n}\nnodelist {\n  node {\n    name: a\n    nodeid: 1\n  }\n}\n',
];

const pairNames = [
  'fake',
  'interval',
  'timeout',
  'target-role',
  'passwd',
  'ip',
  'op_sleep',
  'role',
];

const objects: readonly object[] = [
  {},
  { interval: '30s' },
  { monitor: { interval: '11s' }, start: [{ timeout: '20s' }] },
  { interval: 60_000, sync: { enabled: false, destinations: [] } },
  { version: '2', cluster_name: 'x', interface: [{ ringnumber: '0' }] },
  { score: 'INFINITY', expression: [{ attribute: '#uname', operation: 'eq', value: '5e7638bc' }] },
  { node: [{ name: 'a', nodeid: '1', ring0_addr: '192.0.2.1' }] },
];

/** Values for fields, by their schemas. */
export interface Values {
  /**
   * A value that the schema allows, as far as the schema is precise.
   * @param about the path or field of the value
   */
  valid: (schema: JsonSchema, about: string) => unknown;
  /** Any JSON, mostly hostile. */
  wild: () => unknown;
  /** Any text, mostly hostile. */
  text: () => string;
}

export function makeValues({ chance, pick, below }: Dice, pools: Pools): Values {
  const known = Object.values(pools.byRule).flat();

  function text(): string {
    if (chance(0.2)) return pick(known);
    return chance(0.85) ? pick(hostile) : pick(known) + pick(hostile);
  }

  function wild(depth = 0): unknown {
    if (chance(0.5) || depth > 4) return text();
    if (chance(0.3)) return pick([0, -1, 1e300, 5e-324, true, false, null, 2 ** 53, -0]);
    if (chance(0.5)) return Array.from({ length: below(4) }, () => wild(depth + 1));
    return Object.fromEntries([0, 1].map(() => [text(), wild(depth + 1)]));
  }

  function validText({ pattern, description = '', maxLength }: JsonSchema, about: string): string {
    const fits = (each: string) =>
      (typeof pattern !== 'string' || new RegExp(pattern, 'u').test(each)) &&
      each.length <= Number(maxLength ?? Infinity);
    const rule = Object.keys(pools.byRule).find((text) => String(description).includes(text));
    const ofRule = rule === undefined ? [...generic, ...known] : (pools.byRule[rule] ?? []);
    const word = Object.keys(pools.byWord).find((each) => about.includes(each)) ?? '';
    const ofWord = (pools.byWord[word] ?? []).filter((each) => ofRule.includes(each));
    const from = (ofWord.length > 0 && chance(0.7) ? ofWord : ofRule).filter(fits);
    return pick(from.length > 0 ? from : generic);
  }

  function validObject(schema: JsonSchema, about: string): object {
    const {
      properties,
      required = [],
      additionalProperties,
    } = schema as {
      properties?: Record<string, JsonSchema>;
      required?: readonly string[];
      additionalProperties?: JsonSchema | boolean;
    };
    if (properties) {
      const entries = Object.entries(properties).filter(
        ([name]) => required.includes(name) || chance(0.4),
      );
      return Object.fromEntries(
        entries.map(([name, each]) => [name, valid(each, `${name} ${about}`)]),
      );
    }
    if (typeof additionalProperties !== 'object') return pick(objects);
    const names = pairNames.filter(() => chance(0.12));
    return Object.fromEntries(names.map((name) => [name, valid(additionalProperties, about)]));
  }

  function valid(schema: JsonSchema, about: string): unknown {
    const { type, minimum, maximum } = schema;
    const lists = schema as Record<'enum' | 'examples' | 'anyOf' | 'type', readonly unknown[]>;
    if (Array.isArray(schema['enum'])) return pick(lists.enum);
    if (Array.isArray(schema['examples']) && chance(0.7)) return pick(lists.examples);
    if (Array.isArray(schema['anyOf'])) return valid(pick(lists.anyOf) as JsonSchema, about);
    switch (Array.isArray(type) ? pick(lists.type) : type) {
      case 'array': {
        const { items = {} } = schema as { items?: JsonSchema };
        return [...new Set(Array.from({ length: 1 + below(3) }, () => valid(items, about)))];
      }
      case 'object':
        return validObject(schema, about);
      case 'boolean':
        return chance(0.5);
      case 'null':
        return null;
      case 'number':
      case 'integer':
        return Number(minimum ?? 0) + below(Number(maximum ?? 20) - Number(minimum ?? 0) + 1);
      default:
        return validText(schema, about);
    }
  }

  return { valid, wild: () => wild(), text };
}
