import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';

import { systemErrorCode } from '../../../kit/fault.ts';

/**
 * Of a file that changed so shortly before it was looked at, another change may have the same time stamps; git calls it
 * racy. Kernels have time stamps of 1 to 10 ms, some file systems of 2 s.
 */
export const racyMs = 2000;

// Each answers with what is there, with why that cannot be said, or with undefined where nothing is.

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

/** Names that are not UTF-8 were read with this sign in them, which others may have of their own. */
const replacement = '\ufffd';

/** Of the names in a folder, as they were read, those that stand for a name that is not UTF-8. */
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
    return isUtf8(bytes) ? { target: bytes.toString('utf8') } : 'Where it points to is not UTF-8.';
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
