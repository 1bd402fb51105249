/**
 * Reads the numbers that names have in passwd(5) or group(5): lines `NAME:PASSWORD:NUMBER:…`. Where a name is there
 * twice the first holds, as for getpwnam(3). Lines that are no account (`+` of NIS, say) are passed over.
 */
export function parseAccountNumbers(text: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', , number = ''] = line.split(':');
    if (!/^\d+$/.test(number) || name === '') continue;
    if (!numbers.has(name)) numbers.set(name, Number(number));
  }
  return numbers;
}
