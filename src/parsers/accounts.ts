/**
 * Reads the names that numbers have in passwd(5) or group(5): lines `NAME:PASSWORD:NUMBER:…`. Where a number has
 * several names the first holds, as for getpwuid(3). Lines that are no account (`+` of NIS, say) are passed over.
 */
export function parseAccounts(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , number = ''] = line.split(':');
    if (!/^\d+$/.test(number) || name === '') continue;
    if (!names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}
