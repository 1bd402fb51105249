import { createHash } from 'node:crypto';

import type { WantedKeepalived } from './wanted.ts';

/** SHA-256 in hexadecimal of the canonical JSON: keys in the order of their characters, no blanks (RFC 8785). */
export function digestOf(wanted: WantedKeepalived): string {
  return createHash('sha256').update(canonicalJson(wanted)).digest('hex');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(',')}}`;
}
