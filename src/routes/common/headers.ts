/** Says when the answer was read, if that is more than a second ago. */
export function ageHeader(readAt: number): Record<string, string> {
  const seconds = Math.floor((performance.now() - readAt) / 1000);
  return seconds >= 1 ? { Age: `${seconds}` } : {};
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
