// Names of the parameters that hold a secret: fence agents take `passwd`, `password`,
// `snmp_priv_passwd`, `ssh_key`, `apikey`, `community` and `hexadecimal_kg` (IPMI's K_g), galera
// `test_pass`; `key` alone is corosync's and Alphorn's. The lengths are bounded, or a long word would
// cost the square of its length.
const part = String.raw`[\w-]{0,40}`;
const secretName = `(?:${part}(?:passw(?:or)?d|secret|token|passphrase)${part}|(?:${part}[_-])?(?:api)?key|(?:${part}[_-])?pass|community|hexadecimal_kg)`;
const value = String.raw`"[^"]*"|'[^']*'|[^\s"']+`;

const inText = [
  // password=…, key: …, "passwd": "…"
  new RegExp(String.raw`(\b${secretName}["']?\s*[=:]\s*)(?:${value})`, 'gi'),
  // --password …
  new RegExp(String.raw`(\B--?${secretName}\s+)(?:${value})`, 'gi'),
  // <nvpair name="passwd" value="…"/>
  new RegExp(String.raw`(\bname="${secretName}"\s+value=)"[^"]*"`, 'gi'),
];
const nameOnly = new RegExp(`^-{0,2}${secretName}$`, 'i');
// `-p` is how pcs and the fence agents take a password.
const option = new RegExp(`^(?:--?${secretName}|-p)$`, 'i');

export const masked = '********';

/** Whether a parameter of that name holds a secret. */
export function isSecretName(name: string): boolean {
  return nameOnly.test(name);
}

/** The JSON with each value that has the name of a secret replaced by stars. */
export function maskValues(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(maskValues);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]: [string, unknown]) => [
      name,
      isSecretName(name) && typeof value !== 'object' ? masked : maskValues(value),
    ]),
  );
}

/** The text with the value of each `password=…`, `"ssh_key": …` and the like replaced by stars. */
export function maskText(text: string): string {
  return inText.reduce((sofar, pattern) => sofar.replace(pattern, `$1${masked}`), text);
}

/**
 * The XML with the `value` of each pair that has the name of a secret (`<nvpair name="passwd" …>`, and
 * crm_mon's `<attribute name="passwd" …>`) replaced by stars, in whatever order and quotes its attributes
 * stand. Of any other pair what maskText knows is (`options="user=a,password=b"` of a mount).
 */
export function maskPairs(xml: string): string {
  return xml.replace(/<(?:nvpair|attribute)\s(?:[^>"']|"[^"]*"|'[^']*')*>/g, (tag) => {
    const name = /\sname=(?:"([^"]*)"|'([^']*)')/.exec(tag);
    return tag.replace(
      /(\svalue=)(?:"([^"]*)"|'([^']*)')/,
      (_all, before: string, plain: string | undefined, quoted: string | undefined) => {
        const text = plain ?? (quoted ?? '').replaceAll('"', '&quot;');
        const isSecret = nameOnly.test(name?.[1] ?? name?.[2] ?? '');
        return `${before}"${isSecret ? masked : maskText(text)}"`;
      },
    );
  });
}

/**
 * The arguments with each secret's value replaced by stars: `passwd=x` as well as `--password x`.
 * In `name=value` the value is all of the rest, blanks and quotes included.
 */
export function maskArgv(argv: readonly string[]): string[] {
  return argv.map((word, index) => {
    const before = argv[index - 1];
    if (before !== undefined && option.test(before)) return masked;
    const name = /^(-{0,2}[\w-]+)=/.exec(word)?.[1];
    return name !== undefined && nameOnly.test(name) ? `${name}=${masked}` : maskText(word);
  });
}
