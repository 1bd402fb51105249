import { createHash } from 'node:crypto';

import { z } from 'zod';

import { Fault } from '../errors.ts';

/** Who owns a path, and what they may do with it. By name too, for another host may number its users otherwise. */
export interface Owned {
  /** Permission bits, setuid, setgid and sticky among them. */
  mode: number;
  uid: number;
  gid: number;
  /** Null where the host has no name for the number. */
  user: string | null;
  group: string | null;
}

/** A regular file; its content is in the archive. */
export interface FileItem extends Owned {
  path: string;
  /** Bytes. */
  size: number;
  /** Of the content, in hexadecimal. */
  sha256: string;
}

/** A folder that holds one of the others, so that it can be made where it is missing. */
export interface FolderItem extends Owned {
  path: string;
}

/** A symbolic link. What it points to may be anything, for it is never followed. */
export interface LinkItem extends Omit<Owned, 'mode'> {
  path: string;
  target: string;
}

/** The table of contents of a liferaft, its first entry. All paths are absolute, and each list is in their order. */
export interface Manifest {
  format: 1;
  host: {
    /** Eight hexadecimal digits. */
    id: string;
    name: string;
  };
  /** Made up when a host begins to count its generations, so that a count begun anew is known as such. */
  lineage: string;
  /** From 1, one more with each change of what is in it. */
  generation: number;
  /** When it was made, ISO 8601 in UTC. */
  time: string;
  folders: readonly FolderItem[];
  files: readonly FileItem[];
  links: readonly LinkItem[];
  /** What a host cannot be brought back without and this liferaft has not. Not there where nothing is lacking. */
  lacking?: readonly Lacking[] | undefined;
}

/** An essential file that could not be taken in, and why. */
export interface Lacking {
  path: string;
  why: string;
}

/** What a liferaft may hold at most; whatever is above is refused before any of it is kept. */
export const limits = {
  /** Bytes of the manifest. */
  manifest: 16 * 1024 * 1024,
  /** Paths of all kinds. */
  items: 100_000,
  /** Bytes of one path or link target (PATH_MAX of limits.h, less its NUL). */
  path: 4095,
} as const;

/** How many are named in a manifest at most. */
export const maxLacking = 100;

export const hostIdPattern = /^[0-9a-f]{8}$/;

const path = z
  .string()
  .refine(isPlainPath, 'expected an absolute path without ".", ".." or blanks between slashes');
const number = z.number().int().min(0).max(0xffff_ffff);
const owner = {
  uid: number,
  gid: number,
  user: z.string().max(255).nullable(),
  group: z.string().max(255).nullable(),
};
const owned = { mode: z.number().int().min(0).max(0o7777), ...owner };

const schema = z.strictObject({
  format: z.literal(1),
  host: z.strictObject({ id: z.string().regex(hostIdPattern), name: z.string().min(1).max(255) }),
  lineage: z.string().regex(/^[0-9a-f]{32}$/),
  generation: z.number().int().min(1),
  time: z.iso.datetime(),
  folders: z.array(z.strictObject({ path, ...owned })),
  files: z.array(
    z.strictObject({
      path,
      size: z.number().int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      ...owned,
    }),
  ),
  links: z.array(
    z.strictObject({ path, target: z.string().min(1).max(limits.path).refine(hasNoNul), ...owner }),
  ),
  lacking: z
    .array(z.strictObject({ path, why: z.string().min(1).max(limits.path) }))
    .min(1)
    .max(maxLacking)
    .optional(),
});

/**
 * Reads a manifest, and trusts nothing in it: each path is absolute and climbs nowhere, none is there twice, none
 * is below another that is a file or a link.
 * Faults: `liferaft_invalid`
 */
export function parseManifest(bytes: Buffer): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('Its manifest is no JSON.');
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(
      `Its manifest is wrong at '${issue?.path.join('.') ?? ''}': ${issue?.message ?? ''}`,
    );
  }
  const manifest: Manifest = result.data;
  checkPaths(manifest);
  // What is not written as this would be has a second meaning for somebody.
  if (!manifestBytes(manifest).equals(bytes))
    throw invalid('Its manifest is not in the order of its format.');
  return manifest;
}

/** The manifest as it stands in a liferaft: the same for the same content. */
export function manifestBytes({
  format,
  host,
  lineage,
  generation,
  time,
  folders,
  files,
  links,
  lacking = [],
}: Manifest): Buffer {
  const ordered = {
    ...{ format, host: { id: host.id, name: host.name }, lineage, generation, time },
    folders: folders.map(({ path, ...each }) => ({ path, ...ownedOf(each) })),
    files: files.map(({ path, size, sha256, ...each }) => ({
      path,
      size,
      sha256,
      ...ownedOf(each),
    })),
    links: links.map(({ path, target, ...each }) => ({ path, target, ...ownerOf(each) })),
    ...(lacking.length > 0 && { lacking: lacking.map(({ path, why }) => ({ path, why })) }),
  };
  return Buffer.from(`${JSON.stringify(ordered, null, 1)}\n`);
}

/** Whether all is in it that a host cannot be brought back without. */
export function isWhole({ lacking = [] }: Manifest): boolean {
  return lacking.length === 0;
}

/**
 * What tells one liferaft from another, in hexadecimal. The manifest has the digest of each file, and the rest of the
 * archive follows from it (see archive.ts), so its digest is that of the whole.
 */
export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

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

/** Of a liferaft that is not what it should be; nothing of it was kept or changed. */
export function invalid(what: string): Fault {
  return new Fault(
    'liferaft_invalid',
    `This is no sound liferaft. ${what} Nothing of it was kept; have it made and sent anew.`,
  );
}

function checkPaths({ folders, files, links }: Manifest): void {
  if (folders.length + files.length + links.length > limits.items) {
    throw invalid(`It has more than ${limits.items} paths.`);
  }
  for (const list of [folders, files, links]) {
    const isOrdered = list.every(
      (item, index) => index === 0 || byPath(list[index - 1] as { path: string }, item) < 0,
    );
    if (!isOrdered)
      throw invalid('The paths of its manifest are not in order, or one is there twice.');
  }
  const leaves = new Set<string>();
  for (const { path } of [...files, ...links]) {
    if (leaves.has(path)) throw invalid(`${path} is in its manifest twice.`);
    leaves.add(path);
  }
  for (const { path } of [...folders, ...files, ...links]) {
    for (const above of parentsOf(path)) {
      if (leaves.has(above)) throw invalid(`${path} is below ${above}, which is no folder.`);
    }
  }
  const clash = folders.find(({ path }) => leaves.has(path));
  if (clash) throw invalid(`${clash.path} is in its manifest twice.`);
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

function hasNoNul(text: string): boolean {
  return !text.includes('\0');
}

function ownedOf({ mode, ...rest }: Owned): Owned {
  return { mode, ...ownerOf(rest) };
}

function ownerOf({ uid, gid, user, group }: Omit<Owned, 'mode'>): Omit<Owned, 'mode'> {
  return { uid, gid, user, group };
}
