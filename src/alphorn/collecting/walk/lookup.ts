import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';

import { systemErrorCode } from '../../../kit/fault.ts';

/**
 * If a file changed within this time before it was looked at, a further change may have the same time stamps; git calls
 * such a file racy. The time stamps of kernels have a resolution of 1 to 10 ms, those of some file systems of 2 s.
 */
export const racyMs = 2000;

// Each of these returns what is there, or the reason why that is not known, or undefined if nothing is there.

export function lstatOrWhy(path: string): Stats | string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return isGone(error) ? undefined : unreadable(error);
  }
}

export function entriesOrWhy(folder: string): Dirent[] | string {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return isGone(error) ? [] : unreadable(error);
  }
}

/** Node.js puts this character into names that are not UTF-8. Other names may contain it, too. */
const replacement = '\ufffd';

/** Those of the names in a folder, as Node.js read them, that are not UTF-8 on the disk. */
export function brokenNames(folder: string, names: readonly string[]): string[] {
  if (!names.some((name) => name.includes(replacement))) return [];
  try {
    return readdirSync(folder, { encoding: 'buffer' })
      .filter((bytes) => !isUtf8(bytes))
      .map((bytes) => bytes.toString('utf8'));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

export function targetOrWhy(path: string): { target: string } | string | undefined {
  try {
    const bytes = readlinkSync(path, 'buffer');
    return isUtf8(bytes) ? { target: bytes.toString('utf8') } : 'Its target is not UTF-8.';
  } catch (error) {
    // EINVAL: it is no link any more.
    if (isGone(error) || systemErrorCode(error) === 'EINVAL') return undefined;
    return unreadable(error);
  }
}

export function isGone(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function unreadable(error: unknown): string {
  return `It cannot be read (${systemErrorCode(error) ?? String(error)}).`;
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}
