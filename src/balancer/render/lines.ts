/**
 * A line of a section of haproxy.cfg. Each argument stays one word for haproxy, whatever is in it.
 *
 * Outside of quotes haproxy splits at blanks, begins a comment at `#`, and knows quotes and backslashes (haproxy's
 * configuration.txt, section 2.2). It replaces variables in double quotes only, and nothing here is written in these.
 * @throws if a word has a control character or half of a surrogate pair, which no check lets through
 */
export function line(...tokens: readonly [string, ...(string | number)[]]): string {
  return `    ${tokens.map((each) => escaped(String(each))).join(' ')}`;
}

/** The line that begins a section. */
export function heading(...tokens: readonly [string, ...string[]]): string {
  return tokens.map(escaped).join(' ');
}

/** A text for a place where haproxy reads a format: a percent sign would begin an item of the format. */
export function asFormat(text: string): string {
  return text.replaceAll('%', '%%');
}

function escaped(word: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(word)) {
    throw new Error(
      'A word for haproxy.cfg has a control character. It should have been refused when it was asked for.',
    );
  }
  return word === '' ? "''" : word.replace(/[ \\"'#]/g, String.raw`\$&`);
}

/** A pool as one listener uses it. */
export function backendName(pool: string, listener: string): string {
  return `${pool}:${listener}`;
}

/**
 * An address for haproxy. One of IPv6 needs brackets: haproxy takes the part after its last colon for a port, also where no
 * port may follow (measured on 2.2, 2.6 and 3.0 for `addr`).
 */
export function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
