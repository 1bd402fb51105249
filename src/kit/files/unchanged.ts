import type { Stats } from 'node:fs';

/**
 * Whether nothing was done to a file between two calls of stat(2): whatever changes its content, mode or owner changes
 * its ctime (inode(7)). Two changes shortly after each other may have the same ctime.
 * @param a undefined where there was no file, and so is `b`
 */
export function isUnchanged(a: Stats | undefined, b: Stats | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    isSameContent(a, b) &&
    a.ctimeMs === b.ctimeMs &&
    a.mtimeMs === b.mtimeMs &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}

/**
 * Whether a file has the same content, where files are replaced and never written to: then only another file has other
 * content. Time stamps may have changed.
 */
export function isSameContent(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size;
}
