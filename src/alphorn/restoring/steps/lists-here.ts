import { Fault } from '../../../kit/fault.ts';
import { type Acl, type AclEntry, decodeAcl, encodeAcl } from '../../../parsers/posix-acl.ts';
import { withoutList } from '../../format/permissions.ts';
import type { Attributes, AttributeStore } from '../../format/attributes.ts';
import type { FileItem, FolderItem, NamedAcl } from '../../format/items.ts';
import { parentsOf } from '../../format/paths.ts';
import type { Owners } from '../../format/owners.ts';

/** The access control lists of a path in the kernel's form, in hexadecimal. */
export interface GivenLists {
  acl?: string | undefined;
  /** For folders only. */
  defaultAcl?: string | undefined;
}

/** The permissions that a path of a liferaft will have here. */
export interface WantedPermissions extends GivenLists {
  mode: number;
  /** Which part of them is not possible here. */
  lost?: string;
}

/** The access control lists of paths on this host, and those that a liferaft gives them. */
export interface ListsHere {
  /** The lists that a path has now. */
  here: (path: string) => GivenLists;
  /** The permissions that it will have: by name if this host has the name, otherwise by number. */
  wanted(item: FileItem | FolderItem): WantedPermissions;
}

/** @param items of a liferaft */
export async function readListsHere(
  attributes: Pick<AttributeStore, 'read'>,
  items: readonly { path: string }[],
  owners: Owners,
): Promise<ListsHere> {
  const found = await readAttributes(
    attributes,
    items.map(({ path }) => path),
  );
  const here = listsIn(found);
  /** For a missing path, the folder in which it will be made decides. */
  const canHave = (path: string) =>
    ![path, ...parentsOf(path)].some((each) => found.get(each)?.withoutLists);

  return {
    here,
    wanted(item) {
      const { path, mode, acl } = item;
      const defaultAcl = 'defaultAcl' in item ? item.defaultAcl : undefined;
      if (acl === undefined && defaultAcl === undefined) return { mode };
      if (!canHave(path)) {
        const lost =
          'Its access control list: the file system here has none, so the mode gives its group no more than the list did.';
        return { mode: acl ? withoutList(mode, acl) : mode, lost };
      }
      const hasTwins = [acl, defaultAcl].some((list) => list && isShorterHere(list, owners));
      return {
        mode,
        ...(acl && { acl: hexOf(acl, owners) }),
        ...(defaultAcl && { defaultAcl: hexOf(defaultAcl, owners) }),
        ...(hasTwins && { lost: sameNumber }),
      };
    },
  };
}

/** Reads the lists that paths have now. Faults: `tool_failed`, those of the run */
export async function readLists(
  attributes: Pick<AttributeStore, 'read'>,
  paths: readonly string[],
): Promise<ListsHere['here']> {
  return listsIn(await readAttributes(attributes, paths));
}

async function readAttributes(
  attributes: Pick<AttributeStore, 'read'>,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Attributes>> {
  const found = await attributes.read(paths);
  for (const [path, { failed }] of found) {
    if (failed === undefined) continue;
    throw new Fault(
      'tool_failed',
      `The access control list of ${path} cannot be read: ${failed}. Nothing was done.`,
    );
  }
  return found;
}

function listsIn(found: ReadonlyMap<string, Attributes>): ListsHere['here'] {
  return (path) => {
    const { acl, defaultAcl } = found.get(path) ?? {};
    return { acl: inOrder(acl), defaultAcl: inOrder(defaultAcl) };
  };
}

/** The same list, in the order in which it would be written. */
function inOrder(list: string | null | undefined): string | undefined {
  if (typeof list !== 'string') return undefined;
  const acl = decodeAcl(Buffer.from(list, 'hex'));
  return acl ? encodeAcl(acl).toString('hex') : list;
}

const sameNumber =
  'An entry of its access control list: its user or group has no name here, and its number belongs to another entry of the list.';

function isShorterHere(acl: NamedAcl, owners: Owners): boolean {
  const { users, groups } = numbersIn(acl, owners);
  return [users, groups].some((all) => new Set(all.map(({ id }) => id)).size < all.length);
}

function hexOf(acl: NamedAcl, owners: Owners): string {
  return encodeAcl(numbersIn(acl, owners)).toString('hex');
}

function numbersIn(acl: NamedAcl, owners: Owners): Acl {
  // A name may have the id here that another entry has without a name, or with an unknown one. The entry of the known
  // name counts.
  const knownFirst = (all: NamedAcl['users'], isKnown: (name: string | null) => boolean) =>
    all.toSorted((a, b) => Number(isKnown(b.name)) - Number(isKnown(a.name)));
  const isUser = (user: string | null) => owners.knows({ user, group: null }).user;
  const isGroup = (group: string | null) => owners.knows({ user: null, group }).group;
  return {
    ...acl,
    users: knownFirst(acl.users, isUser).map(({ id, name, perms }) => {
      const { uid } = owners.numbersOf({ uid: id, user: name, gid: 0, group: null });
      return { id: uid, perms };
    }),
    groups: knownFirst(acl.groups, isGroup).map(({ id, name, perms }) => {
      const { gid } = owners.numbersOf({ uid: 0, user: null, gid: id, group: name });
      return { id: gid, perms };
    }),
  };
}

/** A list as text, such as `user:smith:rw-,group::r--`; left out if there is none. */
export function aclText(list: string | undefined, owners: Owners): { acl?: string } {
  const acl = list === undefined ? undefined : decodeAcl(Buffer.from(list, 'hex'));
  if (acl === undefined) return {};
  const word = ({ uid = 0, gid = 0 }) => owners.textOf({ uid, gid });
  return {
    acl: textOf(
      acl,
      ({ id }) => word({ uid: id }),
      ({ id }) => word({ gid: id }),
    ),
  };
}

/** The same for a list that will be set. */
export function namedAclText(acl: NamedAcl | undefined, owners: Owners): { acl?: string } {
  if (acl === undefined) return {};
  const nobody = { uid: 0, gid: 0, user: null, group: null };
  return {
    acl: textOf(
      acl,
      ({ id, name }) => owners.textAfter({ ...nobody, uid: id, user: name }),
      ({ id, name }) => owners.textAfter({ ...nobody, gid: id, group: name }),
    ),
  };
}

/** @param userOf and groupOf return the text of an owner, such as `smith:root`; only one half of it is used */
function textOf<Entry extends AclEntry>(
  { users, group, groups }: Acl<Entry>,
  userOf: (entry: Entry) => string,
  groupOf: (entry: Entry) => string,
): string {
  const word = (perms: number) =>
    `${perms & 4 ? 'r' : '-'}${perms & 2 ? 'w' : '-'}${perms & 1 ? 'x' : '-'}`;
  const half = (owner: string, which: 0 | 1) => owner.split(':')[which] ?? '';
  return [
    ...users.map((each) => `user:${half(userOf(each), 0)}:${word(each.perms)}`),
    `group::${word(group)}`,
    ...groups.map((each) => `group:${half(groupOf(each), 1)}:${word(each.perms)}`),
  ].join(',');
}
