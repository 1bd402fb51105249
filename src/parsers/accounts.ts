/**
 * Reads the name of each number in passwd(5) or group(5): lines `NAME:PASSWORD:NUMBER:…`. If a number has several names,
 * the first one counts, as for getpwuid(3). Other lines are ignored.
 */
export function parseAccounts(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, number] of accountsIn(text)) {
    if (!names.has(number)) names.set(number, name);
  }
  return names;
}

/**
 * Reads the number of each name in the same files. If a name is there twice, the first one counts, as for getpwnam(3).
 */
export function parseAccountNumbers(text: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const [name, number] of accountsIn(text)) {
    if (!numbers.has(name)) numbers.set(name, number);
  }
  return numbers;
}

/** Whether a line of such a file is an account, and not a comment or an entry for NIS (`+` or `-`, nsswitch.conf(5)). */
export function isAccount(line: string): boolean {
  return /^[^+\-#:][^:]*:/.test(line);
}

function accountsIn(text: string): [name: string, number: number][] {
  return text.split('\n').flatMap((line): [string, number][] => {
    const [name = '', , number = ''] = line.split(':');
    return isAccount(line) && /^\d{1,10}$/.test(number) ? [[name, Number(number)]] : [];
  });
}
