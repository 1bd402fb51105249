import { readFileSync, type Stats, statSync } from 'node:fs';

import { isUnchanged } from '../../../kit/files/unchanged.ts';
import type { AlphornPaths } from '../../paths.ts';
import { parseAccounts } from '../../../parsers/accounts.ts';
import type { AccountNames } from '../../format/permissions.ts';

/**
 * Reads the names of users and groups by their numbers.
 * @returns a function that gives the names as of now: the same object as long as neither list has changed
 */
export function makeAccountNamesReader({
  passwd,
  group,
}: Pick<AlphornPaths, 'passwd' | 'group'>): () => AccountNames {
  const readUsers = makeListReader(passwd);
  const readGroups = makeListReader(group);
  let names: AccountNames = { users: new Map(), groups: new Map() };
  return () => {
    const [users, groups] = [readUsers(), readGroups()];
    if (users !== names.users || groups !== names.groups) names = { users, groups };
    return names;
  };
}

function makeListReader(path: string): () => ReadonlyMap<number, string> {
  let stats: Stats | undefined;
  let names: ReadonlyMap<number, string> = new Map();
  return () => {
    try {
      const now = statSync(path);
      if (!isUnchanged(now, stats)) {
        names = parseAccounts(readFileSync(path, 'utf8'));
      }
      stats = now;
    } catch {
      // The former names stay. The list is itself a file of the liferaft, so the reason is reported there.
      stats = undefined;
    }
    return names;
  };
}
