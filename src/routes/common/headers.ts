/** Says when the answer was read, if that is more than a second ago. */
export function ageHeader(readAt: number): Record<string, string> {
  const seconds = Math.floor((performance.now() - readAt) / 1000);
  return seconds >= 1 ? { Age: `${seconds}` } : {};
}

const maxWarning = 1000;

/** The header with warnings about an answer, if there are any. */
export function warningHeader(warnings: readonly string[]): Record<string, string> {
  return warnings.length === 0 ? {} : { 'X-HA-Warnings': warnings.map(warningOf).join(', ') };
}

/** The format of the header Warning in RFC 7234: only ASCII, and no line break. */
function warningOf(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, maxWarning);
  return `199 ha-agent "${plain.replace(/["\\]/g, '\\$&')}"`;
}
