import type { Stats } from 'node:fs';

import { type Acl, decodeAcl } from '../../parsers/posix-acl.ts';
import type { Attributes } from './attributes.ts';
import type { FileItem, FolderItem, NamedAcl } from './items.ts';
import { limits } from './limits.ts';

/** Beyond so many bytes it matters that a file takes more of the disk where it is restored. */
const holesMatterBytes = 1024 * 1024;
const capabilities = 'security.capability';
/** What the system makes anew by itself, on each file that it is used for. */
const madeBySystem = /^(?:security\.(?:selinux|SMACK64|ima|evm|apparmor)|system\.posix_acl_\w+)/;

/** Bytes of all access control lists in a manifest, so that there is room for every path whatever lists there are. */
export const maxListBytes = limits.manifest / 4;

/**
 * Carries access control lists as long as there is room for them, to be called in the order of paths.
 * @param onNoRoom is told the path whose list is not carried, and why
 */
export function makeListRoom(
  onNoRoom: (path: string, why: string) => void,
): <T extends FileItem | FolderItem>(item: T) => T {
  let room = maxListBytes;
  return (item) => {
    const { mode, acl } = item;
    const lists = [acl, 'defaultAcl' in item ? item.defaultAcl : undefined];
    if (lists.every((each) => each === undefined)) return item;
    // As the manifest has them: indented, a line for each value.
    const bytes = Buffer.byteLength(JSON.stringify(lists, null, 8));
    if (bytes <= room) {
      room -= bytes;
      return item;
    }
    onNoRoom(
      item.path,
      `Its access control list is not carried, for there are more than the ${maxListBytes} bytes of lists that a liferaft has room for. Its group gets its own bits.`,
    );
    const bare = { ...item, mode: acl ? withoutList(mode, acl) : mode };
    delete bare.acl;
    if ('defaultAcl' in bare) delete bare.defaultAcl;
    return bare;
  };
}

/** What a liferaft does not carry of a path that goes in, in sentences; nothing where it carries all that matters. */
export function notCarried(stats: Stats, attributes: Attributes | undefined): string | undefined {
  const others = (attributes?.others ?? []).filter((name) => !madeBySystem.test(name));
  const extended = others.filter((name) => name !== capabilities);
  const lists = [aclOf(attributes?.acl), aclOf(attributes?.defaultAcl)];
  const taken = stats.blocks * 512;
  const notes = [
    attributes?.failed !== undefined &&
      `Its access control list is not carried, for it cannot be read: ${attributes.failed}.`,
    lists.some((list) => list !== undefined && isTooLong(list)) &&
      `Its access control list is not carried, for it names more than ${limits.aclEntries} users or groups. Its group gets its own bits.`,
    stats.isFile() &&
      stats.nlink > 1 &&
      `It has ${stats.nlink} names (hard links); each of them that goes in is a file of its own when it is restored.`,
    others.includes(capabilities) &&
      'Its capabilities are not carried: give them again with setcap when it was restored.',
    extended.length > 0 &&
      `Its extended attributes are not carried: ${extended.slice(0, 10).join(', ')}.`,
    stats.isFile() &&
      stats.size - taken >= holesMatterBytes &&
      `It takes ${taken} bytes of the disk here, and up to ${stats.size} where it is restored: holes are not kept.`,
  ].filter((note) => note !== false);
  return notes.length === 0 ? undefined : notes.join(' ');
}

/** What a path may be opened for: the mode, and a list where the mode does not say it all. */
export interface Permissions {
  mode: number;
  acl?: NamedAcl;
}

/**
 * @param mode as the system tells it: of a path with a list, the bits of its group are the list's mask (acl(5))
 * @param list the access control list as the kernel has it, in hexadecimal
 */
export function permissionsOf(
  mode: number,
  list: string | null | undefined,
  names: AccountNames,
): Permissions {
  const acl = namedAclOf(list, names);
  if (acl === undefined) return { mode };
  if (isTooLong(acl)) return { mode: withoutList(mode, acl) };
  // The two were read one after the other. What has changed between is read again.
  const group = (mode >> 3) & 7;
  const limit = acl.mask === null ? { group } : { mask: group };
  return { mode, acl: { ...acl, user: (mode >> 6) & 7, other: mode & 7, ...limit } };
}

/** What a folder gives to all that is made in it, if a liferaft carries it. */
export function defaultAclOf(
  list: string | null | undefined,
  names: AccountNames,
): NamedAcl | undefined {
  const acl = namedAclOf(list, names);
  return acl && !isTooLong(acl) ? acl : undefined;
}

/** Whether no liferaft carries it. */
function isTooLong({ users, groups }: Acl): boolean {
  return users.length > limits.aclEntries || groups.length > limits.aclEntries;
}

/** The mode of what has that list, where there can be no list: nobody may do more than before. */
export function withoutList(mode: number, { group, mask }: Acl): number {
  return (mode & ~0o070) | ((group & (mask ?? 7)) << 3);
}

export interface AccountNames {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

function namedAclOf(
  list: string | null | undefined,
  { users, groups }: AccountNames,
): NamedAcl | undefined {
  const acl = aclOf(list);
  if (acl === undefined) return undefined;
  const named = (entries: Acl['users'], names: ReadonlyMap<number, string>) =>
    entries.map(({ id, perms }) => ({ id, name: names.get(id) ?? null, perms }));
  return { ...acl, users: named(acl.users, users), groups: named(acl.groups, groups) };
}

/** @returns undefined where there is none, or none that this version of the kernel's lists has */
function aclOf(list: string | null | undefined): Acl | undefined {
  return typeof list === 'string' ? decodeAcl(Buffer.from(list, 'hex')) : undefined;
}
