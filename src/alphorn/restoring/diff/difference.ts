import type { FileItem, FolderItem, LinkItem } from '../../format/items.ts';
import type { FilePresence, LinkPresence } from '../host-folder.ts';
import type { FolderChange } from '../steps/folders.ts';
import type { GivenLists } from '../steps/lists-here.ts';

/** What a restore would do to a path. `create` and `replace` (of something of another kind) stand alone. */
export type DifferenceChange =
  'create' | 'replace' | 'content' | 'mode' | 'owner' | 'acl' | 'target';

/** How a path is, in words for people. */
export interface Described {
  kind: 'file' | 'link' | 'folder' | 'other';
  /** Octal, such as `0640`. */
  mode?: string;
  /** Such as `root:haclient`. */
  owner?: string;
  /** As acl(5) has it in short, where the mode does not say it all. */
  acl?: string;
  /** Bytes. */
  size?: number;
  target?: string;
}

/** A path of a liferaft beside the same path of this host. */
export interface Difference {
  path: string;
  /** Empty where both are the same. */
  changes: readonly DifferenceChange[];
  /** Null where there is nothing. */
  here: Described | null;
  liferaft: Described;
  /** Why it cannot be restored as it is. */
  blocked?: string;
  /** What of it cannot be restored here. */
  lost?: string;
}

/** A difference, and what it takes to restore the path. */
export interface PlannedPath {
  difference: Difference;
  item: FileItem | LinkItem | FolderItem;
  /** What is to be there then; a folder is made if it is missing, and else left as it is. */
  wanted: FilePresence | LinkPresence | WantedFolder;
  /** The access control list that it has now. */
  aclHere?: string | undefined;
  /** Of a folder that is there: what it would take to make it as it is in the liferaft. */
  existing?: { difference: Difference; change: FolderChange };
}

export interface WantedFolder extends GivenLists {
  kind: 'folder';
  mode: number;
  uid: number;
  gid: number;
}
