import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ifThere } from '../../kit/files/files.ts';
import { parseAccountNumbers, parseAccounts } from '../../parsers/accounts.ts';
import type { AlphornPaths } from '../paths.ts';
import type { Owned } from './items.ts';

type Owner = Omit<Owned, 'mode'>;

/** Who will own what is restored here. */
export interface Owners {
  /** The numbers of an owner here: by name if this host has the name, otherwise the liferaft's number. */
  numbersOf(owner: Owner): { uid: number; gid: number };
  /** Names such as `hacluster:haclient`; a number stands in if there is no name. */
  textOf(owner: { uid: number; gid: number }): string;
  /** The same, as it will be after the restore: if a list is restored, its names apply. */
  textAfter(owner: Owner): string;
  /** Whether the user, and the group, will exist after the restore. */
  knows(names: Pick<Owner, 'user' | 'group'>): { user: boolean; group: boolean };
}

/**
 * @param restored the paths of the liferaft that are restored: if the list of users or of groups is among them, the
 *   liferaft's numbers apply
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

/** A list of accounts of this host; undefined if something else is in its place, which compare() reports. */
export function readList(file: string): Promise<Buffer | undefined> {
  return ifThere(readFile(file), ['ENOENT', 'EISDIR', 'ENOTDIR', 'ELOOP']);
}

async function readAccounts(file: string) {
  const text = (await readList(file))?.toString() ?? '';
  return { names: parseAccounts(text), numbers: parseAccountNumbers(text) };
}
