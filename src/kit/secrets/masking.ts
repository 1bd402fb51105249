import { mask, type OnSecret } from './scanner.ts';
import { isSecretName, masked } from './secret-names.ts';

const ignore: OnSecret = () => undefined;

/**
 * The JSON with each value that has the name of a secret replaced by stars, also where they are two fields
 * (`{"name": "passwd", "value": …}`); in all other texts what maskText knows.
 * @param json of bounded depth
 */
export function maskValues(json: unknown, onSecret: OnSecret = ignore): unknown {
  return maskJson(json, (text) => maskText(text, onSecret), onSecret);
}

/** @param maskRest masks what has no secret's name */
function maskJson(
  json: unknown,
  maskRest: (text: string) => string,
  onSecret: OnSecret,
  isSecret = false,
): unknown {
  if (typeof json === 'object' && json !== null) {
    if (Array.isArray(json)) {
      return json.map((each: unknown) => maskJson(each, maskRest, onSecret, isSecret));
    }
    const named: unknown = 'name' in json ? json.name : undefined;
    const isPair = typeof named === 'string' && isSecretName(named);
    return Object.fromEntries(
      Object.entries(json).map(([name, value]: [string, unknown]) => {
        const secret = isSecret || isSecretName(name) || (isPair && name === 'value');
        return [name, maskJson(value, maskRest, onSecret, secret)];
      }),
    );
  }
  const isScalar = ['string', 'number', 'boolean'].includes(typeof json);
  if (!isScalar || !isSecret) return typeof json === 'string' ? maskRest(json) : json;
  onSecret(String(json));
  return masked;
}

/**
 * The text with each secret in it replaced by stars: the value of `password=…`, `"ssh_key": …`, `--passwd …`, of
 * `<nvpair name="passwd" value="…"/>`, and the password in a URL. A value in quotes that are not closed reaches to the
 * end of its line.
 */
export function maskText(text: string, onSecret: OnSecret = ignore): string {
  return mask({ text, isXml: false, onSecret, depth: 0, names: new Map() });
}

/**
 * The XML with each secret in it replaced by stars: the `value` of a pair that has the name of a secret
 * (`<nvpair name="passwd" …>`, and crm_mon's `<attribute name="passwd" …>`) or that such a pair refers to (`id-ref`), in
 * whatever order and quotes its attributes stand, and what maskText knows in all other values, texts and comments.
 * Where no secret is, it stays to the byte.
 */
export function maskPairs(xml: string, onSecret: OnSecret = ignore): string {
  const references = new Set<string>();
  const how = { isXml: true, onSecret, depth: 0, names: new Map<string, boolean>() };
  const once = mask({ ...how, text: xml, references });
  // The pairs that are referred to may stand before those that refer to them.
  return references.size === 0 ? once : mask({ ...how, text: once, secretIds: references });
}

/**
 * The arguments with each secret's value replaced by stars: `passwd=x` as well as `--password x`.
 * In `name=value` the value is all of the rest, blanks and quotes included.
 */
export function maskArgv(argv: readonly string[], onSecret: OnSecret = ignore): string[] {
  return argv.map((word, index) => {
    if (isSecretOption(argv[index - 1] ?? '')) {
      onSecret(word);
      return masked;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? '' : word.slice(0, equals);
    if (!isName(name) || !isSecretName(name)) return maskText(word, onSecret);
    onSecret(word.slice(equals + 1));
    return `${name}=${masked}`;
  });
}

function isSecretOption(word: string): boolean {
  // `-p` is how pcs and the fence agents take a password.
  return word === '-p' || (word.startsWith('-') && isName(word) && isSecretName(word));
}

function isName(word: string): boolean {
  return /^[\w.-]+$/.test(word);
}
