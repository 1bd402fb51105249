import { createHash } from 'node:crypto';

import type { Configuration } from '../../cluster/configuration.ts';
import type { Reply } from '../../server/table/row.ts';

/**
 * What was made of the CIB's configuration. It is the same for as long as that has the same
 * version, so the version is its ETag; Express itself answers 304.
 * @param text what pcs says of it, which may change with the time of day: rules end
 */
export function cibReply(
  { cib, source, readAt, takeWarnings }: Configuration,
  body: unknown,
  text?: string,
): Reply {
  const digest = text === undefined ? '' : `-${digestOf(text)}`;
  return {
    body,
    headers: {
      ETag: `"${cib.version}${digest}"`,
      ...(source === 'offline' && { 'X-HA-Source': 'offline' }),
      ...warningHeader(takeWarnings()),
      ...ageHeader(readAt),
    },
  };
}

/** Says when the answer was read, if that is more than a second ago. */
export function ageHeader(readAt: number): Record<string, string> {
  const seconds = Math.floor((performance.now() - readAt) / 1000);
  return seconds >= 1 ? { Age: `${seconds}` } : {};
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

const maxWarning = 1000;

/** The header for what the caller should know of an answer, if there is anything. */
export function warningHeader(warnings: readonly string[]): Record<string, string> {
  return warnings.length === 0 ? {} : { 'X-HA-Warnings': warnings.map(warningOf).join(', ') };
}

/** As the header Warning of RFC 7234 had them: no sign outside of ASCII, no line break. */
function warningOf(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, maxWarning);
  return `199 ha-agent "${plain.replace(/["\\]/g, '\\$&')}"`;
}
