import type { Manifest } from '../format/manifest.ts';
import type { FileItem, FolderItem, LinkItem } from '../format/items.ts';
import { parentsOf } from '../format/paths.ts';

type Leaf = FileItem | LinkItem;

/** What stays in a liferaft although it cannot be read now. */
export interface CarriedOver {
  files: FileItem[];
  links: LinkItem[];
  folders: FolderItem[];
}

/**
 * Finds what the former liferaft has of the paths that cannot be read now.
 * @param hidden paths of files; a folder stands for everything in it
 * @param fresh what the new liferaft already has
 * @param folderNow gives a folder as it is now; undefined if it is missing, or hidden too
 */
export function carryOver(
  { files, links, folders }: Pick<Manifest, 'files' | 'links' | 'folders'>,
  hidden: readonly string[],
  fresh: readonly Leaf[],
  folderNow: (path: string) => FolderItem | undefined,
  excludes: (path: string) => boolean,
): CarriedOver {
  const carried: CarriedOver = { files: [], links: [], folders: [] };
  if (hidden.length === 0) return carried;
  const roots = new Set(hidden);
  const leaves = new Set(fresh.map(({ path }) => path));
  const holders = new Set(fresh.flatMap(({ path }) => parentsOf(path)));
  const former = new Map(folders.map((each) => [each.path, each]));
  const seen = new Map<string, FolderItem>();
  const stays = ({ path }: Leaf): boolean => {
    if (leaves.has(path) || holders.has(path)) return false;
    const above = parentsOf(path);
    const way = [...above, path];
    if (!way.some((each) => roots.has(each)) || way.some(excludes)) return false;
    if (above.some((each) => leaves.has(each))) return false;
    for (const each of above) {
      const folder = seen.get(each) ?? folderNow(each) ?? former.get(each);
      if (folder === undefined) return false;
      seen.set(each, folder);
    }
    return true;
  };
  carried.files = files.filter(stays);
  carried.links = links.filter(stays);
  carried.folders = [...seen.values()];
  return carried;
}
