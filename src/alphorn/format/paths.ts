import { limits } from './limits.ts';

/** Whether a text from outside is a valid path: absolute, with no part that is empty, `.` or `..`. */
export function isPlainPath(text: string): boolean {
  return Buffer.byteLength(text) <= limits.path && /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/.test(text);
}

/** Compares by code points, so that the order is the same on every host. */
export function byPath({ path: a }: { path: string }, { path: b }: { path: string }): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === a.length || at === b.length) return a.length - b.length;
  return rankOf(a.charCodeAt(at)) - rankOf(b.charCodeAt(at));
}

/** JavaScript has two units for a character above U+FFFF, which would sort before some characters of one unit. */
function rankOf(unit: number): number {
  const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
  return isSurrogate ? unit + 0x1_0000 : unit;
}

/** The folders that contain a path, from the top, without `/`. */
export function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

/** Whether a path is that folder, or below it. */
export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
