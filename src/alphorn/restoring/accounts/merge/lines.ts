import { isAccount } from '../../../../parsers/accounts.ts';

/**
 * Merges lines: those of the liferaft in its order, then those of names that only this host has. A line that begins
 * with `+` or `-` refers to NIS (nsswitch.conf(5), "compat") and ends the local names, so nothing is added after it. If
 * the liferaft has no such line, those of this host stay.
 */
export function mergeLines(
  own: string,
  theirs: string,
  ofBoth: (name: string, own: string | undefined, theirs: string) => string,
  ofOwn: (line: string) => string = (line) => line,
): string {
  const [ownLines, theirLines] = [linesOf(own), linesOf(theirs)];
  const ownByName = new Map(ownLines.toReversed().map((line) => [nameOf(line), line]));
  const theirNames = new Set(theirLines.map(nameOf));
  const merged = theirLines.map((line) =>
    isAccount(line) ? ofBoth(nameOf(line), ownByName.get(nameOf(line)), line) : line,
  );
  const more = ownLines.filter((line) => isAccount(line) && !theirNames.has(nameOf(line)));
  const end = merged.findIndex(isForNis);
  if (end === -1) merged.push(...more.map(ofOwn), ...ownLines.filter(isForNis));
  else merged.splice(end, 0, ...more.map(ofOwn));
  // If nothing was merged, return the same bytes: the text may have empty lines.
  if (merged.join('\n') === theirLines.join('\n')) return theirs;
  return merged.map((line) => `${line}\n`).join('');
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function isForNis(line: string): boolean {
  return /^[+-]/.test(line);
}

export function nameOf(line: string): string {
  return line.split(':', 1)[0] ?? '';
}

/** The line with the names from the same field of the other line added. */
export function withMembers(line: string, other: string | undefined, field: number): string {
  const fields = line.split(':');
  const names = [fields[field], other?.split(':')[field]].flatMap((list) => list?.split(',') ?? []);
  fields[field] = [...new Set(names.filter((name) => name !== ''))].join(',');
  return fields.join(':');
}
