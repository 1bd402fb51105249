import type { FileItem, FolderItem, LinkItem } from '../../format/items.ts';
import type { Owners } from '../../format/owners.ts';
import type { Look } from '../host-folder.ts';
import { namedAclText } from '../steps/lists-here.ts';
import type { Described, PlannedPath, WantedFolder } from './difference.ts';

export function described(
  look: Exclude<Look, null>,
  owner: string,
  acl: string | undefined,
): Described {
  const { kind } = look;
  if (look.kind === 'file') {
    const { mode, size } = look;
    return { kind, mode: octal(mode), owner, ...(acl !== undefined && { acl }), size };
  }
  return look.kind === 'link' ? { kind, owner, target: look.target } : { kind };
}

export function describedFolder(
  { mode }: Pick<WantedFolder, 'mode'>,
  owner: string,
  acl: string | undefined,
  defaultAcl: string | undefined,
): Described {
  const list = [acl, defaultAcl && `default:${defaultAcl}`].filter((each) => each !== undefined);
  return {
    kind: 'folder',
    mode: octal(mode),
    owner,
    ...(list.length > 0 && { acl: list.join(' ') }),
  };
}

/** Describes what will be there. A list that the file system cannot have is left out. */
export function describedWanted(
  item: FileItem | LinkItem | FolderItem,
  wanted: PlannedPath['wanted'],
  owners: Owners,
): Described {
  const owner = owners.textAfter(item);
  const aclTextOf = (key: 'acl' | 'defaultAcl') =>
    key in wanted && key in item
      ? namedAclText((item as Partial<FolderItem>)[key], owners).acl
      : undefined;
  return wanted.kind === 'folder'
    ? describedFolder(wanted, owner, aclTextOf('acl'), aclTextOf('defaultAcl'))
    : described(wanted, owner, aclTextOf('acl'));
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
