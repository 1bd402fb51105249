import type { Acl, AclEntry } from '../../parsers/posix-acl.ts';

/** Who owns a path, and what they may do with it. By name too, for another host may number its users otherwise. */
export interface Owned {
  /** Permission bits, setuid, setgid and sticky among them. */
  mode: number;
  uid: number;
  gid: number;
  /** Null where the host has no name for the number. */
  user: string | null;
  group: string | null;
}

/** A user or group in an access control list, by name too. */
export interface NamedAclEntry extends AclEntry {
  /** Null where the host has no name for the number. */
  name: string | null;
}

export type NamedAcl = Acl<NamedAclEntry>;

/** A regular file; its content is in the archive. */
export interface FileItem extends Owned {
  path: string;
  /** Bytes. */
  size: number;
  /** Of the content, in hexadecimal. */
  sha256: string;
  /** Where the mode does not say it all. */
  acl?: NamedAcl;
}

/** A folder that holds one of the others, so that it can be made where it is missing, or an empty one. */
export interface FolderItem extends Owned {
  path: string;
  acl?: NamedAcl;
  /** What is given to all that is made in it. */
  defaultAcl?: NamedAcl;
}

/** A symbolic link. What it points to may be anything, for it is never followed. */
export interface LinkItem extends Omit<Owned, 'mode'> {
  path: string;
  target: string;
}
