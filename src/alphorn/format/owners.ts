import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ifThere } from '../../kit/files/files.ts';
import { parseAccountNumbers, parseAccounts } from '../../parsers/accounts.ts';
import type { AlphornPaths } from '../../kit/paths.ts';
import type { Owned } from './items.ts';

type Owner = Omit<Owned, 'mode'>;

/** Who is to own what is restored here. */
export interface Owners {
  /** By name where this host has the name, else by number. */
  numbersOf(owner: Owner): { uid: number; gid: number };
  /** Names, or numbers where there is none, such as `hacluster:haclient`. */
  textOf(owner: { uid: number; gid: number }): string;
  /** The same of what is to be: where a list is restored, its names hold. */
  textAfter(owner: Owner): string;
  /** Whether there is such a user, and such a group, by then. */
  knows(names: Pick<Owner, 'user' | 'group'>): { user: boolean; group: boolean };
}

/**
 * @param restored the paths of the liferaft that are to be restored: where the list of users or of groups is among
 *   them, the numbers in it will hold, which are those of the liferaft
 */
export async function readOwners(
  { passwd, group, root }: Pick<AlphornPaths, 'passwd' | 'group' | 'root'>,
  restored: ReadonlySet<string>,
): Promise<Owners> {
  const [users, groups] = [await readAccounts(passwd), await readAccounts(group)];
  const isRestored = (file: string) => [...restored].some((path) => join(root, path) === file);
  const keepsUsers = isRestored(passwd);
  const keepsGroups = isRestored(group);
  const numbersOf: Owners['numbersOf'] = ({ uid, gid, user, group: groupName }) => ({
    uid: (keepsUsers || user === null ? undefined : users.numbers.get(user)) ?? uid,
    gid: (keepsGroups || groupName === null ? undefined : groups.numbers.get(groupName)) ?? gid,
  });
  const userOf = (uid: number) => users.names.get(uid) ?? uid;
  const groupOf = (gid: number) => groups.names.get(gid) ?? gid;
  return {
    numbersOf,
    knows: ({ user, group: groupName }) => ({
      user: user !== null && (keepsUsers || users.numbers.has(user)),
      group: groupName !== null && (keepsGroups || groups.numbers.has(groupName)),
    }),
    textOf: ({ uid, gid }) => `${userOf(uid)}:${groupOf(gid)}`,
    textAfter(owner) {
      const { uid, gid } = numbersOf(owner);
      const user = keepsUsers ? (owner.user ?? uid) : userOf(uid);
      return `${user}:${keepsGroups ? (owner.group ?? gid) : groupOf(gid)}`;
    },
  };
}

/** A list of accounts of this host. Where something else is in its place there is none; see compare for what is said. */
export function readList(file: string): Promise<Buffer | undefined> {
  return ifThere(readFile(file), ['ENOENT', 'EISDIR', 'ENOTDIR', 'ELOOP']);
}

async function readAccounts(file: string) {
  const text = (await readList(file))?.toString() ?? '';
  return { names: parseAccounts(text), numbers: parseAccountNumbers(text) };
}
