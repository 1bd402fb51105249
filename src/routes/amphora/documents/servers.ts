import type { ServerChange, ServerOutcome } from '../../../amphora/amphora.ts';
import type { Rule } from '../../../server/table/field.ts';
import { isObject } from '../../../server/table/rules.ts';
import { described, flag, listOf, record, text } from '../../../server/table/schema.ts';
import { parsed } from '../fields.ts';

/** A request that sets more would take longer than a reload. */
const maxServers = 256;

const backendPattern = '^[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,64})?$';
const serverPattern = '^[A-Za-z0-9_-]{1,64}$';

const change = record({
  backend: { type: 'string', pattern: backendPattern },
  server: { type: 'string', pattern: serverPattern },
  'weight?': { type: 'integer', minimum: 0, maximum: 256 },
  'is_enabled?': flag,
});

export const serverChanges: Rule<readonly ServerChange[]> = parsed(
  { ...listOf(change), minItems: 1, maxItems: maxServers },
  changesOf,
  `a list of 1 to ${maxServers} servers, each with "backend", "server", and "weight" (0 to 256) or "is_enabled" or both`,
);

function changesOf(value: unknown): ServerChange[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxServers) return undefined;
  const changes = value.map(changeOf);
  return changes.every((each) => each !== undefined) ? changes : undefined;
}

const keys = new Set(['backend', 'server', 'weight', 'is_enabled']);

function changeOf(value: unknown): ServerChange | undefined {
  if (!isObject(value) || !Object.keys(value).every((key) => keys.has(key))) return undefined;
  const { backend, server, weight, is_enabled: isEnabled } = value;
  const isWhole = weight !== undefined || isEnabled !== undefined;
  return isWhole &&
    isText(backend, backendPattern) &&
    isText(server, serverPattern) &&
    isWeight(weight) &&
    (isEnabled === undefined || typeof isEnabled === 'boolean')
    ? { backend, server, weight, isEnabled }
    : undefined;
}

function isText(value: unknown, pattern: string): value is string {
  return typeof value === 'string' && new RegExp(pattern).test(value);
}

function isWeight(value: unknown): value is number | undefined {
  if (value === undefined) return true;
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 256;
}

const outcome = record({
  backend: text,
  server: text,
  is_set: flag,
  'reason?': described("haproxy's own words, if it has refused.", text),
});

export const serverOutcomes = record({ servers: listOf(outcome) });

export function serverOutcomesDocument(outcomes: readonly ServerOutcome[]): object {
  return {
    servers: outcomes.map(({ backend, server, refusal }) => ({
      backend,
      server,
      is_set: refusal === undefined,
      ...(refusal !== undefined && { reason: refusal }),
    })),
  };
}
