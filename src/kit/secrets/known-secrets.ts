import { masked } from './secret-names.ts';

/**
 * The values that are known to be secret: those in the CIB, and those of requests that are being answered. A tool or an
 * agent may repeat one under any name, so they are masked wherever they occur.
 *
 * Some values are not masked, because answers have to stay correct: values shorter than six characters, numbers of fewer
 * than nine digits, the cluster's own terms (`Started`), and parts of longer words. They are still masked under the name
 * of a secret.
 */
export interface KnownSecrets {
  /** Takes the values of the CIB that was read last. The values of the CIB before it count as well. */
  ofCib(values: Iterable<string>): void;
  /**
   * Adds values for as long as a request is answered.
   * @returns a function that forgets them
   */
  hold(values: Iterable<string>): () => void;
  maskText: (text: string) => string;
  /** Leaves the names of elements and attributes unmasked. */
  maskXml: (xml: string) => string;
  /** Leaves the names of fields unmasked. */
  maskJson<T>(json: T): T;
}

export function makeKnownSecrets(): KnownSecrets {
  let former: readonly string[] = [];
  let current: readonly string[] = [];
  const requests = new Set<readonly string[]>();
  let mask: MaskOccurrences | undefined;

  /** The mask is made again when it is needed next. */
  const forget = () => {
    mask = undefined;
  };
  const known = () => (mask ??= makeMask([...current, ...former, ...[...requests].flat()]));

  function maskJson(json: unknown): unknown {
    if (typeof json === 'string') return known()(json, false);
    if (Array.isArray(json)) return json.map(maskJson);
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(
      Object.entries(json).map(([name, value]: [string, unknown]) => [name, maskJson(value)]),
    );
  }

  return {
    ofCib(values) {
      const next = [...new Set(values)];
      if (next.length === current.length && next.every((each, index) => each === current[index]))
        return;
      [former, current] = [current, next];
      forget();
    },
    hold(values) {
      const own = [...values];
      if (own.length === 0) return () => undefined;
      requests.add(own);
      forget();
      return () => {
        requests.delete(own);
        forget();
      };
    },
    maskText: (text) => known()(text, false),
    maskXml: (xml) => known()(xml, true),
    maskJson: <T>(json: T) => maskJson(json) as T,
  };
}

/** The XML with each of these values replaced by asterisks. Linear in the length of the XML. */
export function maskOccurrences(xml: string, values: Iterable<string>): string {
  return makeMask(values)(xml, true);
}

type MaskOccurrences = (text: string, isXml: boolean) => string;

const minLength = 6;
/** How much of a value is compared at once; a longer value is compared further, up to the first difference. */
const maxHead = 64;
/** Max number of values with the same beginning; if there are more, only their beginning is masked. */
const maxAlike = 16;
const maxValues = 5000;

// Terms that an answer cannot do without, in lower case.
const clusterTerms = new Set([
  'started',
  'stopped',
  'promoted',
  'unpromoted',
  'master',
  'slave',
  'member',
  'remote',
  'online',
  'offline',
  'standby',
  'pending',
  'unknown',
  'active',
  'failed',
  'managed',
  'enabled',
  'disabled',
  'always',
  'ignore',
  'freeze',
  'suicide',
  'demote',
  'restart',
  'monitor',
  'reboot',
  'default',
  'infinity',
  '-infinity',
  'cluster',
  'resource',
  'stonith',
  'fencing',
  'pacemaker',
  'corosync',
  'heartbeat',
  'systemd',
  'localhost',
  'hacluster',
  'password',
  'passwd',
  'secret',
  'passphrase',
  '********',
]);

function makeMask(values: Iterable<string>): MaskOccurrences {
  // The values by their first characters. A table of the first two is a quick filter.
  const alike = new Map<string, string[]>();
  const begins = new Uint8Array(1 << 16);
  let count = 0;
  for (const value of values) {
    if (isLeftAlone(value) || count >= maxValues) continue;
    count += 1;
    for (const form of formsOf(value)) {
      const beginning = form.slice(0, minLength);
      const others = alike.get(beginning);
      if (others === undefined) alike.set(beginning, [form]);
      // One more value shows that there are too many.
      else if (others.length <= maxAlike && !others.includes(form)) others.push(form);
      begins[hashAt(form, 0)] = 1;
    }
  }
  for (const [beginning, forms] of alike) {
    if (forms.length > maxAlike) alike.set(beginning, [beginning]);
    // The longest value wins.
    else forms.sort((one, other) => other.length - one.length);
  }

  return (text, isXml) => {
    if (alike.size === 0) return text;
    const pieces: string[] = [];
    let copied = 0;
    for (let at = 0; at <= text.length - minLength; at += 1) {
      if (begins[hashAt(text, at)] === 0) continue;
      const end = alike
        .get(text.slice(at, at + minLength))
        ?.map((form) => endOf(form, text, at, isXml))
        .find((found) => found !== undefined);
      if (end === undefined) continue;
      pieces.push(text.slice(copied, at), masked);
      copied = end;
      at = end - 1;
    }
    return copied === 0 ? text : pieces.join('') + text.slice(copied);
  };
}

/** Whether a value is not masked. Short numbers may also be times, sizes and counts. */
function isLeftAlone(value: string): boolean {
  const isNumber = value.length < 9 && /^\d+$/.test(value);
  return value.length < minLength || isNumber || clusterTerms.has(value.toLowerCase());
}

function hashAt(text: string, at: number): number {
  return (text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)) & 0xffff;
}

/** The value as it is, as XML writes it, and as JSON writes it. */
function formsOf(value: string): Set<string> {
  const inXml = value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return new Set([value, inXml, JSON.stringify(value).slice(1, -1)]);
}

/** Where the value that begins there ends; undefined if another text is there. */
function endOf(form: string, text: string, at: number, isXml: boolean): number | undefined {
  const head = form.slice(0, maxHead);
  if (!text.startsWith(head, at)) return undefined;
  if (isAlphanumeric(form, 0) && isAlphanumeric(text, at - 1)) return undefined;
  let end = at + head.length;
  // Values with a long common beginning are masked by that beginning, because comparing each of them would take too long.
  while (end - at < form.length && text[end] === form[end - at]) end += 1;
  const isShort = form.length <= maxHead;
  if (isShort && isAlphanumeric(form, form.length - 1) && isAlphanumeric(text, end))
    return undefined;
  const isNameInXml = text[at - 1] === '<' || text[at - 1] === '/' || text[end] === '=';
  return isXml && isShort && isNameInXml ? undefined : end;
}

function isAlphanumeric(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text.charAt(at));
}
