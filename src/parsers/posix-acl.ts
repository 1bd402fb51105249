/** The permissions of a named user or group in an access control list; bits of 4 (read), 2 (write), 1 (execute). */
export interface AclEntry {
  id: number;
  perms: number;
}

/** A POSIX access control list (acl(5)): permissions of the owner, the group and others, and of named users and groups. */
export interface Acl<Entry extends AclEntry = AclEntry> {
  /** The owner's permissions. */
  user: number;
  /** In the order of their ids. */
  users: readonly Entry[];
  /** The owning group's permissions. */
  group: number;
  groups: readonly Entry[];
  /** The max permissions of the group and of named users and groups; null if there is no limit. */
  mask: number | null;
  other: number;
}

// The kernel's format in the attributes system.posix_acl_access and system.posix_acl_default
// (include/uapi/linux/posix_acl_xattr.h): a version, then eight bytes for each entry, all little-endian.
const version = 2;
const headerBytes = 4;
const entryBytes = 8;
const tags = { user: 0x01, users: 0x02, group: 0x04, groups: 0x08, mask: 0x10, other: 0x20 };
/** The id in an entry that names nobody. */
const noId = 0xffff_ffff;

/** @returns undefined if it is not a list, or lacks one of the three required entries */
export function decodeAcl(bytes: Buffer): Acl | undefined {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== version) return undefined;
  if ((bytes.length - headerBytes) % entryBytes !== 0) return undefined;
  const entries: { tag: number; perms: number; id: number }[] = [];
  for (let at = headerBytes; at < bytes.length; at += entryBytes) {
    entries.push({
      tag: bytes.readUInt16LE(at),
      perms: bytes.readUInt16LE(at + 2),
      id: bytes.readUInt32LE(at + 4),
    });
  }
  const permsOf = (tag: number) => entries.find((each) => each.tag === tag)?.perms;
  const named = (tag: number) =>
    inOrder(entries.filter((each) => each.tag === tag).map(({ id, perms }) => ({ id, perms })));
  const [user, group, other] = [permsOf(tags.user), permsOf(tags.group), permsOf(tags.other)];
  if (user === undefined || group === undefined || other === undefined) return undefined;
  const [users, groups] = [named(tags.users), named(tags.groups)];
  return { user, users, group, groups, mask: permsOf(tags.mask) ?? null, other };
}

/** Encodes a list. The same list always gives the same bytes. */
export function encodeAcl({ user, users, group, groups, mask, other }: Acl): Buffer {
  const entries: readonly (readonly [tag: number, perms: number, id: number])[] = [
    [tags.user, user, noId],
    ...inOrder(users).map(({ id, perms }) => [tags.users, perms, id] as const),
    [tags.group, group, noId],
    ...inOrder(groups).map(({ id, perms }) => [tags.groups, perms, id] as const),
    ...(mask === null ? [] : [[tags.mask, mask, noId] as const]),
    [tags.other, other, noId],
  ];
  const bytes = Buffer.alloc(headerBytes + entries.length * entryBytes);
  bytes.writeUInt32LE(version, 0);
  for (const [index, [tag, perms, id]] of entries.entries()) {
    const at = headerBytes + index * entryBytes;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(perms, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  }
  return bytes;
}

/** The entries sorted by id. The first of two entries for one id counts, as it does for the kernel. */
function inOrder(named: readonly AclEntry[]): AclEntry[] {
  const first = new Map(named.toReversed().map((each) => [each.id, each]));
  return [...first.values()].sort((a, b) => a.id - b.id);
}
