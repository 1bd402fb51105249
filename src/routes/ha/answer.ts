import { createHash } from 'node:crypto';

import type { Response } from 'express';

import type { Configuration } from '../../cluster/configuration.ts';

/**
 * Answers with what was made of the CIB's configuration. It is the same for as long as that has the same
 * version, so the version is its ETag; Express itself answers 304.
 * @param words what pcs says beside it, which may change with the time of day: rules end
 */
export function answerFromCib(
  response: Response,
  { cib, source, readAt, takeWarnings }: Configuration,
  body: unknown,
  words?: string,
): void {
  const digest = words === undefined ? '' : `-${digestOf(words)}`;
  response.set('ETag', `"${cib.version}${digest}"`);
  if (source === 'offline') response.set('X-HA-Source', 'offline');
  response.set(warningHeader(takeWarnings()));
  answerAsOf(response, readAt, body);
}

/** Answers with what was read at that moment, and says so if that is more than a second ago. */
export function answerAsOf(response: Response, readAt: number, body: unknown): void {
  setAge(response, readAt);
  response.json(body);
}

/** Says when the answer was read, if that is more than a second ago. */
export function setAge(response: Response, readAt: number): void {
  const seconds = Math.floor((performance.now() - readAt) / 1000);
  if (seconds >= 1) response.set('Age', `${seconds}`);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

const longestWarning = 1000;

/** The header for what the caller should know of an answer, if there is anything. */
export function warningHeader(warnings: readonly string[]): Record<string, string> {
  return warnings.length === 0 ? {} : { 'X-HA-Warnings': warnings.map(warningOf).join(', ') };
}

/** As the header Warning of RFC 7234 had them: no sign outside of ASCII, no line break. */
function warningOf(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, longestWarning);
  return `199 ha-agent "${plain.replace(/["\\]/g, '\\$&')}"`;
}
