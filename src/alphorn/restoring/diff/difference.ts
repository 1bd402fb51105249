import type { FileItem, FolderItem, LinkItem } from '../../format/items.ts';
import type { FilePresence, LinkPresence } from '../host-folder.ts';
import type { FolderChange } from '../steps/folders.ts';
import type { GivenLists } from '../steps/lists-here.ts';

/** What a restore would do to a path. `create`, and `replace` for something of another kind, are never combined. */
export type DifferenceChange =
  'create' | 'replace' | 'content' | 'mode' | 'owner' | 'acl' | 'target';

/** A description of a path, for people. */
export interface Described {
  kind: 'file' | 'link' | 'folder' | 'other';
  /** Octal, such as `0640`. */
  mode?: string;
  /** Such as `root:haclient`. */
  owner?: string;
  /** The short text form of acl(5), if the mode does not say everything. */
  acl?: string;
  /** Bytes. */
  size?: number;
  target?: string;
}

/** A path of a liferaft compared with the same path of this host. */
export interface Difference {
  path: string;
  /** Empty if both are the same. */
  changes: readonly DifferenceChange[];
  /** Null if there is nothing. */
  here: Described | null;
  liferaft: Described;
  /** Why it cannot be restored as it is. */
  blocked?: string;
  /** Which part of it cannot be restored here. */
  lost?: string;
}

/** A difference, and what is needed to restore the path. */
export interface PlannedPath {
  difference: Difference;
  item: FileItem | LinkItem | FolderItem;
  /** What will be there. A folder is made if it is missing; otherwise it stays as it is. */
  wanted: FilePresence | LinkPresence | WantedFolder;
  /** Its present access control list. */
  aclHere?: string | undefined;
  /** For an existing folder: the change that makes it as it is in the liferaft. */
  existing?: { difference: Difference; change: FolderChange };
}

export interface WantedFolder extends GivenLists {
  kind: 'folder';
  mode: number;
  uid: number;
  gid: number;
}
