import { limits } from './limits.ts';

/** Whether a name from outside may stand for a path: absolute, no part of it empty, `.` or `..`. */
export function isPlainPath(text: string): boolean {
  return Buffer.byteLength(text) <= limits.path && /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/.test(text);
}

/** By code points, so that the order is the same wherever it is made. */
export function byPath({ path: a }: { path: string }, { path: b }: { path: string }): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === a.length || at === b.length) return a.length - b.length;
  return rankOf(a.charCodeAt(at)) - rankOf(b.charCodeAt(at));
}

/** What stands above U+FFFF is two units of JavaScript, and those are below some that stand for themselves. */
function rankOf(unit: number): number {
  const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
  return isSurrogate ? unit + 0x1_0000 : unit;
}

/** The folders that a path is in, from the top, without `/`. */
export function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

/** Whether the path is that one, or below. */
export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
