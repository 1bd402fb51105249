import { parseAccountNumbers, parseAccounts } from '../../../../parsers/accounts.ts';
import { type AccountFile, accountsOf, type AccountTexts } from './account-files.ts';
import { type AccountChange, changesOf, type NumberChanges, numberChanges } from './changes.ts';
import { mergeLines, withMembers } from './lines.ts';
import { assignNumbers, type Numbers } from './numbers.ts';
import { mergeRanges, type RangeChange, rangeChanges, withOwnersAfter } from './ranges.ts';

// Merges the accounts of another host with those of this one. No I/O: texts in, texts out.

export interface MergedAccounts {
  /** The new texts of the restored lists. */
  texts: AccountTexts;
  /** Users first; accounts of this host before new ones. */
  changes: readonly AccountChange[];
  ranges: readonly RangeChange[];
  numbers: { users: NumberChanges; groups: NumberChanges };
}

export interface Merging {
  here: AccountTexts;
  liferaft: AccountTexts;
  /** The lists that are restored; the others stay as they are. */
  restored: ReadonlySet<AccountFile>;
  /** Names that own something in the liferaft. */
  owners: { users: ReadonlySet<string>; groups: ReadonlySet<string> };
  /** Whether to take the liferaft's lists as they are, so that accounts that only this host has vanish. */
  replace: boolean;
}

/**
 * Merges by name. Accounts that only one side has stay. If both sides have an account, the liferaft's line and number
 * apply to accounts of people, and to those that own something in the liferaft. A system account that owns nothing
 * there stays as it is here, because the packages of this host made it. Passwords come from the liferaft if it has
 * them.
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
  // The list of users has the numbers of groups. So if only one of the two lists is restored, each group of this host
  // keeps its number, and no user of the liferaft gets into a group by a number.
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
 * The new number for a line. A second line of a name, or one with an invalid number, is not found by its name, and
 * keeps its number.
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
