// Names of the parameters that hold a secret: fence agents take `passwd`, `password`,
// `snmp_priv_passwd`, `ssh_key` …; `key` alone is corosync's and Alphorn's.
const secretName = String.raw`(?:[\w-]*(?:passw(?:or)?d|secret|token|passphrase)[\w-]*|(?:[\w-]*[_-])?key)`;
const assignment = new RegExp(
  String.raw`(\b${secretName}\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"']+)`,
  'gi',
);
const option = new RegExp(String.raw`^--?${secretName}$`, 'i');

export const masked = '********';

/** The text with the value of each `password=…`, `ssh_key: …` and the like replaced by stars. */
export function maskText(text: string): string {
  return text.replace(assignment, `$1${masked}`);
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
    if (name !== undefined && new RegExp(`^-{0,2}${secretName}$`, 'i').test(name)) {
      return `${name}=${masked}`;
    }
    return maskText(word);
  });
}
