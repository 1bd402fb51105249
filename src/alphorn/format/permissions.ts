import type { Stats } from 'node:fs';

import { type Acl, decodeAcl } from '../../parsers/posix-acl.ts';
import type { Attributes } from './attributes.ts';
import type { FileItem, FolderItem, NamedAcl } from './items.ts';
import { limits } from './limits.ts';

/** Holes of at least this many bytes are reported: the file takes more of the disk after a restore. */
const holesMatterBytes = 1024 * 1024;
const capabilities = 'security.capability';
/** Attributes that the system sets again by itself. */
const madeBySystem = /^(?:security\.(?:selinux|SMACK64|ima|evm|apparmor)|system\.posix_acl_\w+)/;

/** Max bytes of all access control lists in a manifest, so that there is always room for every path. */
export const maxListBytes = limits.manifest / 4;

/**
 * Takes in access control lists as long as there is room for them. Call the result in the order of paths.
 * @param onNoRoom gets a path whose list is not carried, and why
 */
export function makeListRoom(
  onNoRoom: (path: string, why: string) => void,
): <T extends FileItem | FolderItem>(item: T) => T {
  let room = maxListBytes;
  return (item) => {
    const { mode, acl } = item;
    const lists = [acl, 'defaultAcl' in item ? item.defaultAcl : undefined];
    if (lists.every((each) => each === undefined)) return item;
    // The manifest indents them, with a line for each value.
    const bytes = Buffer.byteLength(JSON.stringify(lists, null, 8));
    if (bytes <= room) {
      room -= bytes;
      return item;
    }
    onNoRoom(
      item.path,
      `Its access control list is not carried, because a liferaft has room for only ${maxListBytes} bytes of lists. Its group gets its own bits.`,
    );
    const bare = { ...item, mode: acl ? withoutList(mode, acl) : mode };
    delete bare.acl;
    if ('defaultAcl' in bare) delete bare.defaultAcl;
    return bare;
  };
}

/** Sentences on what a liferaft does not carry of a path; undefined if it carries everything that matters. */
export function notCarried(stats: Stats, attributes: Attributes | undefined): string | undefined {
  const others = (attributes?.others ?? []).filter((name) => !madeBySystem.test(name));
  const extended = others.filter((name) => name !== capabilities);
  const lists = [aclOf(attributes?.acl), aclOf(attributes?.defaultAcl)];
  const taken = stats.blocks * 512;
  const notes = [
    attributes?.failed !== undefined &&
      `Its access control list is not carried, because it cannot be read: ${attributes.failed}.`,
    lists.some((list) => list !== undefined && isTooLong(list)) &&
      `Its access control list is not carried, because it names more than ${limits.aclEntries} users or groups. Its group gets its own bits.`,
    stats.isFile() &&
      stats.nlink > 1 &&
      `It has ${stats.nlink} names (hard links); a restore makes a separate file of each that goes in.`,
    others.includes(capabilities) &&
      'Its capabilities are not carried: set them again with setcap after a restore.',
    extended.length > 0 &&
      `Its extended attributes are not carried: ${extended.slice(0, 10).join(', ')}.`,
    stats.isFile() &&
      stats.size - taken >= holesMatterBytes &&
      `It takes ${taken} bytes of the disk here, and up to ${stats.size} after a restore, because holes are not carried.`,
  ].filter((note) => note !== false);
  return notes.length === 0 ? undefined : notes.join(' ');
}

/** The permissions of a path: its mode, and a list if the mode does not say everything. */
export interface Permissions {
  mode: number;
  acl?: NamedAcl;
}

/**
 * @param mode from stat(2): if the path has a list, the bits of the group are the list's mask (acl(5))
 * @param list the access control list in the kernel's form, in hexadecimal
 */
export function permissionsOf(
  mode: number,
  list: string | null | undefined,
  names: AccountNames,
): Permissions {
  const acl = namedAclOf(list, names);
  if (acl === undefined) return { mode };
  if (isTooLong(acl)) return { mode: withoutList(mode, acl) };
  // The two were read one after the other. If one has changed in between, the path is read again later.
  const group = (mode >> 3) & 7;
  const limit = acl.mask === null ? { group } : { mask: group };
  return { mode, acl: { ...acl, user: (mode >> 6) & 7, other: mode & 7, ...limit } };
}

/** The list that a folder passes on to whatever is made in it; undefined if a liferaft cannot carry it. */
export function defaultAclOf(
  list: string | null | undefined,
  names: AccountNames,
): NamedAcl | undefined {
  const acl = namedAclOf(list, names);
  return acl && !isTooLong(acl) ? acl : undefined;
}

/** Whether it is too long for a liferaft. */
function isTooLong({ users, groups }: Acl): boolean {
  return users.length > limits.aclEntries || groups.length > limits.aclEntries;
}

/** The mode for a path without its list: nobody gets more permissions than with it. */
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

/** @returns undefined if there is none, or it is of an unknown version of the kernel's form */
function aclOf(list: string | null | undefined): Acl | undefined {
  return typeof list === 'string' ? decodeAcl(Buffer.from(list, 'hex')) : undefined;
}
