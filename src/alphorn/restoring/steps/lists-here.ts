import { Fault } from '../../../kit/fault.ts';
import { type Acl, type AclEntry, decodeAcl, encodeAcl } from '../../../parsers/posix-acl.ts';
import { withoutList } from '../../format/permissions.ts';
import type { Attributes, AttributeStore } from '../../format/attributes.ts';
import type { FileItem, FolderItem, NamedAcl } from '../../format/items.ts';
import { parentsOf } from '../../format/paths.ts';
import type { Owners } from '../../format/owners.ts';

/** What may be done with a path beside its mode, as the kernel has it, in hexadecimal. */
export interface GivenLists {
  acl?: string | undefined;
  /** Of folders. */
  defaultAcl?: string | undefined;
}

/** What a path of a liferaft is to be opened for here. */
export interface WantedPermissions extends GivenLists {
  mode: number;
  /** What of it there cannot be here. */
  lost?: string;
}

/** The access control lists of paths of this host, beside those of a liferaft. */
export interface ListsHere {
  /** What a path has now. */
  here: (path: string) => GivenLists;
  /** What it is to have: by name where this host has the name, else by number. */
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
  /** Of what is not there, the folder that it is to be made in tells. */
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

/** What paths have now. Faults: `tool_failed`, those of the run */
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

/** The same list, as it would be written. */
function inOrder(list: string | null | undefined): string | undefined {
  if (typeof list !== 'string') return undefined;
  const acl = decodeAcl(Buffer.from(list, 'hex'));
  return acl ? encodeAcl(acl).toString('hex') : list;
}

const sameNumber =
  'An entry of its access control list: whom it is for has no name here, and the number of a user or group that the list has an entry for too.';

function isShorterHere(acl: NamedAcl, owners: Owners): boolean {
  const { users, groups } = numbersIn(acl, owners);
  return [users, groups].some((all) => new Set(all.map(({ id }) => id)).size < all.length);
}

function hexOf(acl: NamedAcl, owners: Owners): string {
  return encodeAcl(numbersIn(acl, owners)).toString('hex');
}

function numbersIn(acl: NamedAcl, owners: Owners): Acl {
  // A name may have the id here that another entry has without a name, or with one that is not here: what is said of the
  // name that is here counts.
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

/** A list in words, such as `user:smith:rw-,group::r--`; nothing where there is none. */
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

/** The same of a list that is to be given. */
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

/** @param userOf and groupOf give words for an owner, such as `smith:root`, of which one half counts */
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
