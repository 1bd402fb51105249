import type { Acl, AclEntry } from '../../parsers/posix-acl.ts';

/** Owner and mode of a path. Owners have names too, because other hosts may have other numbers for them. */
export interface Owned {
  /** Permission bits, setuid, setgid and sticky among them. */
  mode: number;
  uid: number;
  gid: number;
  /** Null if the host has no name for the number. */
  user: string | null;
  group: string | null;
}

/** A user or group in an access control list, with its name. */
export interface NamedAclEntry extends AclEntry {
  /** Null if the host has no name for the number. */
  name: string | null;
}

export type NamedAcl = Acl<NamedAclEntry>;

/** A regular file; its content is in the archive. */
export interface FileItem extends Owned {
  path: string;
  /** Bytes. */
  size: number;
  /** The digest of the content, in hexadecimal. */
  sha256: string;
  /** Present if the mode does not say everything. */
  acl?: NamedAcl;
}

/** A folder that contains another item, so that a restore can make it if it is missing; or an empty folder. */
export interface FolderItem extends Owned {
  path: string;
  acl?: NamedAcl;
  /** The list that it passes on to whatever is made in it. */
  defaultAcl?: NamedAcl;
}

/** A symbolic link. Its target may be anything, because a restore never follows it. */
export interface LinkItem extends Omit<Owned, 'mode'> {
  path: string;
  target: string;
}
