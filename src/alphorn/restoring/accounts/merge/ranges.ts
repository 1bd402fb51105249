import { isAccount, parseAccounts } from '../../../../parsers/accounts.ts';
import type { AccountFile, AccountTexts } from './account-files.ts';
import { linesOf, mergeLines, nameOf } from './lines.ts';
import type { Numbers } from './numbers.ts';

/** A range of subordinate ids that is replaced by another. Files that use the former range keep their numbers. */
export interface RangeChange {
  file: AccountFile;
  name: string;
  /** Such as `100000:65536`. */
  here: string;
  after: string;
}

/** Replaces owners that are numbers by the numbers that these owners will have (subuid(5)). */
export function withOwnersAfter(
  own: string,
  theirs: string,
  { users, merging }: { users: Numbers; merging: Record<'here' | 'liferaft', AccountTexts> },
): [own: string, theirs: string] {
  const after = (text: string, passwd = '') => {
    const names = parseAccounts(passwd);
    return text.replace(/^\d+(?=:)/gm, (number) => {
      const name = names.get(Number(number));
      return `${(name === undefined ? undefined : users.after.get(name)) ?? number}`;
    });
  };
  const { here, liferaft } = merging;
  return [after(own, here['/etc/passwd']), after(theirs, liferaft['/etc/passwd'])];
}

/** Moves ranges of this host that overlap with one of the liferaft behind all others. */
export function mergeRanges(own: string, theirs: string): string {
  const theirRanges = linesOf(theirs).map(rangeOf);
  let end = Math.max(0, ...[...theirRanges, ...linesOf(own).map(rangeOf)].map((each) => each.end));
  return mergeLines(
    own,
    theirs,
    (_name, _own, their) => their,
    (line) => {
      const range = rangeOf(line);
      const isTaken = theirRanges.some((each) => each.start < range.end && range.start < each.end);
      if (!isTaken) return line;
      const [name = '', , count = ''] = line.split(':');
      const start = end;
      end += range.end - range.start;
      return [name, start, count].join(':');
    },
  );
}

/** Compares the ranges of each name in their order. */
export function rangeChanges(file: AccountFile, own: string, after = own): RangeChange[] {
  const [ownLines, linesAfter] = [linesOf(own), linesOf(after)];
  return ownLines.flatMap((line): RangeChange[] => {
    const name = nameOf(line);
    const isOfName = (other: string) => nameOf(other) === name;
    const next = linesAfter.filter(isOfName)[ownLines.filter(isOfName).indexOf(line)];
    if (!isAccount(line) || next === undefined || next === line) return [];
    return [{ file, name, here: line.slice(name.length + 1), after: next.slice(name.length + 1) }];
  });
}

function rangeOf(line: string): { start: number; end: number } {
  const [, start, count] = line.split(':').map(Number);
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(count);
  return isRange ? { start: start ?? 0, end: (start ?? 0) + (count ?? 0) } : { start: 0, end: 0 };
}
