import { basename } from 'node:path';

import type { FileItem, LinkItem } from '../../format/items.ts';
import type { Owners } from '../../format/owners.ts';
import {
  digestAt,
  type FilePresence,
  type HostFolder,
  type LinkPresence,
  lookAt,
} from '../host-folder.ts';
import { aclText, type ListsHere } from '../steps/lists-here.ts';
import { described, describedWanted } from './described.ts';
import type { DifferenceChange, PlannedPath } from './difference.ts';

export async function compareLeaf(
  item: FileItem | LinkItem,
  folder: HostFolder | undefined,
  owners: Owners,
  lists: ListsHere,
): Promise<PlannedPath> {
  const { path } = item;
  const numbers = owners.numbersOf(item);
  const { lost, ...permissions } = 'target' in item ? {} : lists.wanted(item);
  const wanted: FilePresence | LinkPresence =
    'target' in item
      ? { kind: 'link', ...numbers, target: item.target }
      : { kind: 'file', mode: item.mode, ...permissions, ...numbers, ...contentOf(item) };
  const found = folder ? await lookAt(folder, basename(path)) : null;
  const aclHere = found?.kind === 'file' ? lists.here(path).acl : undefined;
  const planned = (changes: readonly DifferenceChange[]): PlannedPath => ({
    item,
    wanted,
    aclHere,
    difference: {
      path,
      changes,
      here:
        found &&
        described(found, 'uid' in found ? owners.textOf(found) : '', aclText(aclHere, owners).acl),
      liferaft: describedWanted(item, wanted, owners),
      ...(lost !== undefined && { lost }),
    },
  });
  if (found === null) return planned(['create']);
  if (found.kind === 'folder' || found.kind === 'other') {
    const what = found.kind === 'folder' ? 'a folder' : 'a device, a socket or the like';
    const link =
      'target' in item && found.kind === 'folder'
        ? ` In the liferaft it is a link to ${item.target}: move the folder away to have that.`
        : '';
    return withBlock(planned(['replace']), `It is ${what} on this host, and stays.${link}`);
  }
  if (found.kind !== wanted.kind) return planned(['replace']);
  const changes: DifferenceChange[] = [];
  if (found.kind === 'file' && wanted.kind === 'file') {
    const isSame =
      found.size === wanted.size &&
      folder !== undefined &&
      (await digestAt(folder, basename(path))) === wanted.sha256;
    if (!isSame) changes.push('content');
    if (found.mode !== wanted.mode) changes.push('mode');
    if (aclHere !== wanted.acl) changes.push('acl');
  }
  if (found.kind === 'link' && wanted.kind === 'link' && found.target !== wanted.target) {
    changes.push('target');
  }
  if (found.uid !== wanted.uid || found.gid !== wanted.gid) changes.push('owner');
  return planned(changes);
}

export function withBlock(planned: PlannedPath, blocked: string): PlannedPath {
  return { ...planned, difference: { ...planned.difference, blocked } };
}

function contentOf({ size, sha256 }: FileItem): Pick<FilePresence, 'size' | 'sha256'> {
  return { size, sha256 };
}
