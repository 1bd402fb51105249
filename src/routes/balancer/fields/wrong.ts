/** A value that is not as documented. Its message is the whole sentence that the answer has. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
}

/**
 * A value that has not even the type of its field. The documented sentence then quotes the whole argument instead of the
 * field, so only the reader of the argument can write it. The message is its last part.
 */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** @param what the end of the sentence, such as `Value should be UUID format` */
export function wrongValue(field: string, value: unknown, what: string): Wrong {
  return new Wrong(
    `Invalid input for field/attribute ${field}. Value: '${quoted(value)}'. ${what}`,
  );
}

export function missing(field: string): Wrong {
  return wrongValue(field, null, 'Mandatory field missing.');
}

/** A longer quotation is cut. */
const maxQuoted = 1024;
const maxDepth = 8;

/** A value as the recorded sentences quote it: in the spelling of Python, and without what is secret. */
export function quoted(value: unknown): string {
  const text = withoutKeys(typeof value === 'string' ? value : spelled(value, 0));
  return text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
}

/** The same of the value of an attribute, which is hidden if it has the name of a secret. */
export function quotedOf(name: string, value: unknown): string {
  return isSecret(name) ? '***' : quoted(value);
}

/** A private key in PEM (RFC 7468) may have been sent for any attribute. */
function withoutKeys(text: string): string {
  return text.replace(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[^])*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
    '***',
  );
}

function spelled(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value.slice(0, maxQuoted)}'`;
  if (typeof value !== 'object') return JSON.stringify(value);
  if (depth >= maxDepth) return '…';
  if (Array.isArray(value))
    return `[${value
      .slice(0, maxQuoted)
      .map((each) => spelled(each, depth + 1))
      .join(', ')}]`;
  const entries = Object.entries(value).slice(0, maxQuoted);
  return `{${entries.map(([key, each]) => `'${key}': ${spelled(isSecret(key) ? '***' : each, depth + 1)}`).join(', ')}}`;
}

/** The parts of a certificate that comes with a listener. */
function isSecret(key: string): boolean {
  return (
    key === 'private_key' || key === 'passphrase' || key === 'tls_termination' || key === 'pem'
  );
}
