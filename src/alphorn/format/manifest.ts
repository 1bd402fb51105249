import { createHash } from 'node:crypto';

import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import type { Acl } from '../../parsers/posix-acl.ts';
import type { FileItem, FolderItem, LinkItem, NamedAcl, NamedAclEntry, Owned } from './items.ts';
import { limits } from './limits.ts';
import { byPath, isPlainPath, parentsOf } from './paths.ts';

/** The table of contents of a liferaft, which is its first entry. All paths are absolute, and each list is sorted. */
export interface Manifest {
  /**
   * The lowest format that has everything that this manifest needs, so that older versions can read it: 2 if there is
   * an access control list, or if something is lacking.
   */
  format: Format;
  host: {
    /** Eight hexadecimal digits. */
    id: string;
    name: string;
  };
  /** A random id, made when a host begins to count its generations. It shows when a count was begun again. */
  lineage: string;
  /** Starts with 1, and rises by one with each change of the content. */
  generation: number;
  /** When it was made, ISO 8601 in UTC. */
  time: string;
  folders: readonly FolderItem[];
  files: readonly FileItem[];
  links: readonly LinkItem[];
  /** Essential files that this liferaft does not have. Left out if nothing is lacking. */
  lacking?: readonly Lacking[] | undefined;
}

/** An essential file that could not be taken in, and why. */
export interface Lacking {
  path: string;
  why: string;
}

export type Format = 1 | 2;
const lastFormat = 2;

/** Max number of such files that a manifest names. */
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
const perms = z.number().int().min(0).max(7);
const namedEntries = z
  .array(z.strictObject({ id: number, name: z.string().max(255).nullable(), perms }))
  .max(limits.aclEntries)
  .refine(
    (all) => all.every(({ id }, index) => index === 0 || (all[index - 1]?.id ?? 0) < id),
    'expected the order of ids, and none twice',
  );
const acl = z
  .strictObject({
    user: perms,
    users: namedEntries,
    group: perms,
    groups: namedEntries,
    mask: perms.nullable(),
    other: perms,
  })
  .refine(
    ({ users, groups, mask }) => mask !== null || users.length + groups.length === 0,
    'expected a mask, for it names users or groups',
  )
  .optional();

const schema = z.strictObject({
  format: z.literal([1, 2]),
  host: z.strictObject({ id: z.string().regex(hostIdPattern), name: z.string().min(1).max(255) }),
  lineage: z.string().regex(/^[0-9a-f]{32}$/),
  generation: z.number().int().min(1),
  time: z.iso.datetime(),
  folders: z.array(z.strictObject({ path, ...owned, acl, defaultAcl: acl })),
  files: z.array(
    z.strictObject({
      path,
      size: z.number().int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      ...owned,
      acl,
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
 * Reads a manifest, and trusts nothing in it: each path is absolute and does not climb, is there only once, and is not
 * below a file or a link.
 * Faults: `liferaft_invalid`, `liferaft_of_later_format`
 */
export function parseManifest(bytes: Buffer): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('Its manifest is no JSON.');
  }
  const format = formatIn(json);
  if (format > lastFormat) throw ofLaterFormat(format);
  const result = schema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(
      `Its manifest is wrong at '${issue?.path.join('.') ?? ''}': ${issue?.message ?? ''}`,
    );
  }
  // A key is never undefined, because JSON has no such value.
  const manifest = result.data as Manifest;
  checkPaths(manifest);
  checkLists(manifest);
  // Any other spelling might mean something else to another reader.
  if (!manifestBytes(manifest).equals(bytes))
    throw invalid('Its manifest is not in the order of its format.');
  return manifest;
}

/** The bytes of a manifest in a liferaft: always the same for the same content. */
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
    format,
    host: { id: host.id, name: host.name },
    lineage,
    generation,
    time,
    folders: folders.map(({ path, ...each }) => ({
      path,
      ...ownedOf(each),
      ...aclOf('acl', each.acl),
      ...aclOf('defaultAcl', each.defaultAcl),
    })),
    files: files.map(({ path, size, sha256, ...each }) => ({
      path,
      size,
      sha256,
      ...ownedOf(each),
      ...aclOf('acl', each.acl),
    })),
    links: links.map(({ path, target, ...each }) => ({ path, target, ...ownerOf(each) })),
    ...(lacking.length > 0 && { lacking: lacking.map(({ path, why }) => ({ path, why })) }),
  };
  return Buffer.from(`${JSON.stringify(ordered, null, 1)}\n`);
}

/** Whether it has all essential files. */
export function isWhole({ lacking = [] }: Manifest): boolean {
  return lacking.length === 0;
}

/**
 * The digest that identifies a liferaft, in hexadecimal: that of its manifest. The manifest has the digest of each
 * file, and the rest of the archive follows from it (see archive.ts).
 */
export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A liferaft is not what it should be. Nothing of it was stored, and nothing was changed. */
export function invalid(what: string): Fault {
  return new Fault(
    'liferaft_invalid',
    `This liferaft is not valid. ${what} Nothing of it was stored. Its host must make it and send it again.`,
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

/** The lowest format that has everything that these items need. */
export function formatOf({
  folders,
  files,
  lacking = [],
}: Pick<Manifest, 'folders' | 'files' | 'lacking'>): Format {
  const hasList =
    folders.some(({ acl, defaultAcl }) => acl ?? defaultAcl) || files.some((file) => file.acl);
  return hasList || lacking.length > 0 ? 2 : 1;
}

/** A list and a mode must agree, because the kernel derives one from the other (acl(5)). */
function checkLists(manifest: Manifest): void {
  if (manifest.format !== formatOf(manifest)) {
    throw invalid(`The content of its manifest has format ${formatOf(manifest)}.`);
  }
  for (const { path, mode, acl } of [...manifest.folders, ...manifest.files]) {
    if (acl && modeOf(acl) !== (mode & 0o777)) {
      throw invalid(`The access control list of ${path} does not fit its mode.`);
    }
  }
}

/** The permission bits of a path with that list. */
export function modeOf({ user, group, mask, other }: Acl): number {
  return (user << 6) | ((mask ?? group) << 3) | other;
}

/** Later formats have the same key. */
function formatIn(json: unknown): number {
  const format =
    typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined;
  return Number.isSafeInteger(format) ? (format as number) : 0;
}

/** The part of a manifest that is the same in this format and later ones. */
export type ManifestHead = Pick<Manifest, 'host' | 'lineage' | 'generation' | 'time'>;

/** Reads the head of a manifest of a later format; undefined for any other. */
export function laterHeadOf(bytes: Buffer): ManifestHead | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    const { host, lineage, generation, time } = schema.shape;
    const head = z.object({ host: z.object(host.shape), lineage, generation, time });
    return formatIn(json) > lastFormat ? head.safeParse(json).data : undefined;
  } catch {
    return undefined;
  }
}

function ofLaterFormat(format: number): Fault {
  return new Fault(
    'liferaft_of_later_format',
    `This liferaft was made by a later version of ha-agent: it has format ${format}, and the version installed here reads formats up to ${lastFormat}. Nothing was done with it. Install the later version here.`,
  );
}

function hasNoNul(text: string): boolean {
  return !text.includes('\0');
}

function aclOf(key: 'acl' | 'defaultAcl', acl: NamedAcl | undefined) {
  if (acl === undefined) return {};
  const { user, users, group, groups, mask, other } = acl;
  const named = (all: readonly NamedAclEntry[]) =>
    all.map(({ id, name, perms }) => ({ id, name, perms }));
  return { [key]: { user, users: named(users), group, groups: named(groups), mask, other } };
}

function ownedOf({ mode, ...rest }: Owned): Owned {
  return { mode, ...ownerOf(rest) };
}

function ownerOf({ uid, gid, user, group }: Omit<Owned, 'mode'>): Omit<Owned, 'mode'> {
  return { uid, gid, user, group };
}
