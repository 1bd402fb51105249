import { mask, type OnSecret } from './scanner.ts';
import { isSecretName, masked } from './secret-names.ts';

const ignore: OnSecret = () => undefined;

/**
 * The JSON with each value under a secret's name replaced by asterisks, even if name and value are two fields
 * (`{"name": "passwd", "value": …}`). In all other texts, maskText is applied.
 * @param json of bounded depth
 */
export function maskValues(json: unknown, onSecret: OnSecret = ignore): unknown {
  return maskJson(json, (text) => maskText(text, onSecret), onSecret);
}

/** @param maskRest masks texts that do not have a secret's name */
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
 * The text with each secret in it replaced by asterisks: the value of `password=…`, `"ssh_key": …`, `--passwd …` and
 * `<nvpair name="passwd" value="…"/>`, and the password in a URL. A value with an unclosed quote extends to the end of its
 * line.
 */
export function maskText(text: string, onSecret: OnSecret = ignore): string {
  return mask({ text, isXml: false, onSecret, depth: 0, names: new Map() });
}

/**
 * The XML with each secret in it replaced by asterisks: the `value` of a pair that has the name of a secret
 * (`<nvpair name="passwd" …>`, and crm_mon's `<attribute name="passwd" …>`) or that such a pair refers to (`id-ref`). The
 * order and quotes of attributes do not matter. In all other values, texts and comments, maskText is applied. The rest
 * stays the same to the byte.
 */
export function maskPairs(xml: string, onSecret: OnSecret = ignore): string {
  const references = new Set<string>();
  const how = { isXml: true, onSecret, depth: 0, names: new Map<string, boolean>() };
  const once = mask({ ...how, text: xml, references });
  // A pair may come before those that refer to it.
  return references.size === 0 ? once : mask({ ...how, text: once, secretIds: references });
}

/**
 * The arguments with each secret's value replaced by asterisks: `passwd=x` as well as `--password x`.
 * In `name=value`, the value is the whole rest, including blanks and quotes.
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
