import { dirname } from 'node:path';

import { isIn } from '../../format/paths.ts';
import { limits } from '../../format/limits.ts';
import { follow } from './follow.ts';
import { below } from './listing.ts';
import { entriesOrWhy } from './lookup.ts';

/**
 * Finds out what must not be watched. A watch reads everything in a folder, and the targets of its links. On a file
 * system of another host, that waits without end if the server is gone, and no changes would be reported anyway.
 * @param remote the mount points of such file systems
 * @returns a function: whether a path is on one of them, or is a folder that contains one, or a link to one
 */
export function unwatchableAmong(
  roots: readonly string[],
  remote: readonly string[],
  isLeftOut: (path: string) => boolean,
): (path: string) => boolean {
  if (remote.length === 0) return () => false;
  const remoteAt = (path: string) => remote.find((mount) => isIn(path, mount));
  const leadsThere = (path: string) => follow(path, remoteAt).isHidden === true;
  const closed = new Set(remote.map((mount) => dirname(mount)));
  const left = roots.filter((root) => !leadsThere(root));
  for (let folder = left.pop(), seen = 0; folder !== undefined; folder = left.pop()) {
    const entries = entriesOrWhy(folder);
    if (typeof entries === 'string') continue;
    seen += entries.length;
    if (seen > limits.items) break;
    for (const entry of entries) {
      const path = below(folder, entry.name);
      if (entry.isSymbolicLink() && leadsThere(path)) closed.add(folder);
      if (entry.isDirectory() && remoteAt(path) === undefined && !isLeftOut(path)) left.push(path);
    }
  }
  return (path) => closed.has(path) || leadsThere(path);
}
