import { isAccount, parseAccountNumbers, parseAccounts } from '../../../parsers/accounts.ts';
import { type AccountList, assignNumbers, type Numbers } from './numbers.ts';

// Accounts of another host put together with those of this one. No I/O: texts in, texts out.

/** The lists of accounts, as Debian has them: passwd(5), group(5), shadow(5), gshadow(5), subuid(5), subgid(5). */
export const accountFiles = [
  ...(['/etc/passwd', '/etc/group', '/etc/shadow'] as const),
  ...(['/etc/gshadow', '/etc/subuid', '/etc/subgid'] as const),
] as const;
export type AccountFile = (typeof accountFiles)[number];
/** A list that is missing there is left out. */
export type AccountTexts = Partial<Record<AccountFile, string>>;

/** What becomes of an account. One that stays as it is is not told. */
export interface AccountChange {
  kind: 'user' | 'group';
  name: string;
  /** `kept`: it keeps the number that it has here, which is another than in the liferaft. */
  change: 'added' | 'renumbered' | 'vanishes' | 'kept';
  /** The numbers: here, afterwards, and in the liferaft. */
  here: number | null;
  after: number | null;
  liferaft: number | null;
  /** Of one that vanishes: who has its number then, and so its files. */
  heir?: string;
}

/** What becomes of the numbers that accounts of one kind have here. */
export interface NumberChanges {
  /** The number of each name afterwards. */
  after: ReadonlyMap<string, number>;
  /** By the number that its account has here, the one that it has afterwards. */
  moved: ReadonlyMap<number, number>;
  /** Numbers of accounts that vanish. */
  gone: ReadonlySet<number>;
}

/** A range of subordinate ids that an account gets another one for. What it was used for keeps its numbers. */
export interface RangeChange {
  file: AccountFile;
  name: string;
  /** Such as `100000:65536`. */
  here: string;
  after: string;
}

export interface MergedAccounts {
  /** What the restored lists are to hold. */
  texts: AccountTexts;
  /** Users first; those of this host before those that are new here. */
  changes: readonly AccountChange[];
  ranges: readonly RangeChange[];
  numbers: { users: NumberChanges; groups: NumberChanges };
}

export interface Merging {
  here: AccountTexts;
  liferaft: AccountTexts;
  /** The lists that are restored; the others stay as they are here. */
  restored: ReadonlySet<AccountFile>;
  /** Names that own something in the liferaft. */
  owners: { users: ReadonlySet<string>; groups: ReadonlySet<string> };
  /** Whether the lists are taken from the liferaft as they are, so that accounts of this host alone vanish. */
  replace: boolean;
}

/**
 * Merges by name. Accounts that only one side has stay. Of those that both have, the liferaft's line and number hold if
 * people have them or they own something in the liferaft; a system account that owns nothing there stays as it is here,
 * for the packages of this host made it. A password is the liferaft's wherever it has one.
 */
export function mergeAccounts(merging: Merging): MergedAccounts {
  const { here, liferaft, restored, owners, replace } = merging;
  const numbersOf = (
    file: '/etc/passwd' | '/etc/group',
    owning: ReadonlySet<string> | undefined,
  ) => {
    const [own, theirs] = [accountsOf(here[file]), accountsOf(liferaft[file])];
    if (replace) return { after: theirs.numbers, isTheirs: () => true };
    return assignNumbers(own, theirs, owning);
  };
  const asHere = (file: '/etc/passwd' | '/etc/group') => ({
    after: accountsOf(here[file]).numbers,
    isTheirs: () => false,
  });
  const users = restored.has('/etc/passwd')
    ? numbersOf('/etc/passwd', owners.users)
    : asHere('/etc/passwd');
  // The list of users has groups by their numbers. So where one of the two lists is not restored, each group of this
  // host keeps its number, and no user of the liferaft gets into one by its number.
  const isHalf = restored.has('/etc/passwd') !== restored.has('/etc/group');
  const assigned = numbersOf('/etc/group', isHalf ? undefined : owners.groups);
  const groups = restored.has('/etc/group') ? assigned : asHere('/etc/group');
  const merged = { users, groups: assigned, merging };
  const texts: AccountTexts = {};
  for (const file of restored) {
    const theirs = liferaft[file];
    if (theirs === undefined) continue;
    texts[file] = replace ? theirs : merge(file, here[file] ?? '', theirs, merged);
  }
  return {
    texts,
    changes: [
      ...(restored.has('/etc/passwd') ? changesOf('user', merging, users.after) : []),
      ...(restored.has('/etc/group') ? changesOf('group', merging, groups.after) : []),
    ],
    ranges: (['/etc/subuid', '/etc/subgid'] as const).flatMap((file) =>
      rangeChanges(file, withOwnersAfter(here[file] ?? '', '', merged)[0], texts[file]),
    ),
    numbers: {
      users: numberChanges(here['/etc/passwd'], users.after),
      groups: numberChanges(here['/etc/group'], groups.after),
    },
  };
}

function accountsOf(text = ''): AccountList {
  return { numbers: parseAccountNumbers(text), names: parseAccounts(text) };
}

interface Merged {
  users: Numbers;
  groups: Numbers;
  merging: Merging;
}

function merge(file: AccountFile, own: string, theirs: string, merged: Merged): string {
  switch (file) {
    case '/etc/passwd':
      return mergePasswd(own, theirs, merged);
    case '/etc/group':
      return mergeGroup(own, theirs, merged);
    case '/etc/shadow':
      return mergeLines(own, theirs, (_name, _own, their) => their);
    case '/etc/gshadow':
      return mergeLines(own, theirs, (_name, ownLine, their) =>
        withMembers(withMembers(their, ownLine, 3), ownLine, 2),
      );
    case '/etc/subuid':
    case '/etc/subgid':
      return mergeRanges(...withOwnersAfter(own, theirs, merged));
  }
}

/**
 * The number that stands in a line, as it is afterwards. A second line of a name, or one whose number is none, is known
 * to nobody by that name, and keeps what it has.
 */
function numberAfter(
  [name = '', , number = '']: readonly string[],
  before: ReadonlyMap<string, number>,
  { after }: Numbers,
): string {
  const isKnown = before.get(name) === Number(number);
  return `${(isKnown ? after.get(name) : undefined) ?? number}`;
}

function mergePasswd(own: string, theirs: string, { users, groups, merging }: Merged): string {
  const before = { own: parseAccountNumbers(own), theirs: parseAccountNumbers(theirs) };
  const groupNames = {
    own: parseAccounts(merging.here['/etc/group'] ?? ''),
    theirs: parseAccounts(merging.liferaft['/etc/group'] ?? ''),
  };
  const renumber = (line: string, side: 'own' | 'theirs') => {
    const fields = line.split(':');
    const group = groupNames[side].get(Number(fields[3]));
    return [
      ...fields.slice(0, 2),
      numberAfter(fields, before[side], users),
      (group === undefined ? undefined : groups.after.get(group)) ?? fields[3],
      ...fields.slice(4),
    ].join(':');
  };
  return mergeLines(
    own,
    theirs,
    (name, ownLine, their) =>
      ownLine === undefined || users.isTheirs(name)
        ? renumber(their, 'theirs')
        : renumber(ownLine, 'own'),
    (line) => renumber(line, 'own'),
  );
}

function mergeGroup(own: string, theirs: string, { groups }: Merged): string {
  const before = { own: parseAccountNumbers(own), theirs: parseAccountNumbers(theirs) };
  const renumber = (line: string, side: 'own' | 'theirs') => {
    const fields = line.split(':');
    const number = numberAfter(fields, before[side], groups);
    return [...fields.slice(0, 2), number, ...fields.slice(3)].join(':');
  };
  return mergeLines(
    own,
    theirs,
    (_name, ownLine, their) => renumber(withMembers(their, ownLine, 3), 'theirs'),
    (line) => renumber(line, 'own'),
  );
}

/**
 * The lines of the liferaft, in its order, and then those of names that only this host has. What begins with `+` or
 * `-` asks NIS for all that comes after (nsswitch.conf(5), "compat"), so nothing is put behind it; where the liferaft
 * has no such line, those of this host stay.
 */
function mergeLines(
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
  // To the byte, then: it may have empty lines.
  if (merged.join('\n') === theirLines.join('\n')) return theirs;
  return merged.map((line) => `${line}\n`).join('');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function isForNis(line: string): boolean {
  return /^[+-]/.test(line);
}

function nameOf(line: string): string {
  return line.split(':', 1)[0] ?? '';
}

/** The line, with the names of the other's list in the same field besides its own. */
function withMembers(line: string, other: string | undefined, field: number): string {
  const fields = line.split(':');
  const names = [fields[field], other?.split(':')[field]].flatMap((list) => list?.split(',') ?? []);
  fields[field] = [...new Set(names.filter((name) => name !== ''))].join(',');
  return fields.join(':');
}

/** The same ranges: where one names its owner by number, by the number that the owner has afterwards (subuid(5)). */
function withOwnersAfter(
  own: string,
  theirs: string,
  { users, merging }: Merged,
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

/** Ranges of this host that would overlap with one of the liferaft get a place behind all of them. */
function mergeRanges(own: string, theirs: string): string {
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

/** By the order that the ranges of each name have. */
function rangeChanges(file: AccountFile, own: string, after = own): RangeChange[] {
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

function changesOf(
  kind: AccountChange['kind'],
  { here: own, liferaft: theirs }: Merging,
  after: ReadonlyMap<string, number>,
): AccountChange[] {
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  const here = parseAccountNumbers(own[file] ?? '');
  const liferaft = parseAccountNumbers(theirs[file] ?? '');
  const names = new Set([...here.keys(), ...after.keys()]);
  const heirs = new Map([...after].map(([name, number]) => [number, name]));
  return [...names].flatMap((name): AccountChange[] => {
    const numbers = {
      here: here.get(name) ?? null,
      after: after.get(name) ?? null,
      liferaft: liferaft.get(name) ?? null,
    };
    const change = changeOf(numbers);
    if (change === undefined) return [];
    const heir = change === 'vanishes' ? heirs.get(numbers.here ?? -1) : undefined;
    return [{ kind, name, change, ...numbers, ...(heir !== undefined && { heir }) }];
  });
}

function changeOf({
  here,
  after,
  liferaft,
}: Pick<AccountChange, 'here' | 'after' | 'liferaft'>): AccountChange['change'] | undefined {
  if (here === null) return 'added';
  if (after === null) return 'vanishes';
  if (here !== after) return 'renumbered';
  return liferaft !== null && liferaft !== after ? 'kept' : undefined;
}

/** Of a number that several names have here, the first name counts, as for getpwuid(3). */
function numberChanges(own: string | undefined, after: ReadonlyMap<string, number>): NumberChanges {
  const moved = new Map<number, number>();
  const gone = new Set<number>();
  const { numbers, names } = accountsOf(own);
  for (const [number, name] of names) {
    // Of a second line of that name, which keeps its number.
    if (numbers.get(name) !== number) continue;
    const next = after.get(name);
    if (next === undefined) gone.add(number);
    else if (next !== number) moved.set(number, next);
  }
  return { after, moved, gone };
}
