import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { parseAccountNumbers } from '../../../parsers/accounts.ts';
import type { AlphornPaths } from '../../../kit/paths.ts';
import type { LiferaftFile } from '../../format/liferaft-file.ts';
import {
  type FileItem,
  type FolderItem,
  isIn,
  type Manifest,
  type NamedAcl,
  type Owned,
} from '../../format/manifest.ts';
import { readList } from '../../format/owners.ts';
import { type Handover, planHandovers, special } from './handover.ts';
import {
  type AccountChange,
  type AccountFile,
  accountFiles,
  type AccountTexts,
  type MergedAccounts,
  mergeAccounts,
  type NumberChanges,
  type RangeChange,
} from './merge.ts';
import { findOwned, type OwnedFile, type SearchLimits, searchLimits } from './owned-files.ts';
import { isUnit, maxUnitBytes, readUnitFiles } from './unit-files.ts';
import { runsAs } from './units.ts';

/** What a restore does to users and groups, and to what is theirs on this host. */
export interface AccountsReport {
  /** Whether accounts that only this host has stay, or the liferaft's lists replace those of this host. */
  mode: 'merge' | 'replace';
  changes: readonly AccountChange[];
  ranges: readonly RangeChange[];
  /** Files outside of the liferaft that go with their account to its new number. */
  handedOver: FileList;
  /** Files outside of the liferaft whose account vanishes. */
  orphaned: FileList;
  search: {
    /** What was searched for these files. */
    where: string;
    looked: number;
    /** Whether that was all of it. */
    complete: boolean;
  };
  /** Units that will fail (217/USER, 216/GROUP), for they run as an account that is not there then. */
  units: readonly { path: string; account: string }[];
}

export interface FileList {
  total: number;
  /** The first of them, by path; owners in numbers. */
  first: readonly { path: string; owner: string; after: string }[];
}

/** A liferaft as it is restored on this host, and what has to be done besides. */
export interface RestoredAccounts {
  /** With the lists as they are to be here, and owners by the numbers that hold here then. */
  file: LiferaftFile;
  /** Undefined if no account, and nothing that depends on one, changes. */
  report?: AccountsReport;
  /** Writes down which files are handed over, before anything is changed. @param folder of the restore */
  plan: (folder: string) => Promise<void>;
}

const mostListed = 1000;

/**
 * Puts the accounts of a liferaft together with those of this host (see merge.ts), and says what that does.
 * @param chosen the paths that are restored; all if nothing is said
 * @param replace whether the liferaft's lists are to be taken as they are
 */
export async function restoreAccounts(
  file: LiferaftFile,
  chosen: readonly string[] | undefined,
  { root }: Pick<AlphornPaths, 'root'>,
  replace = false,
  limits: SearchLimits = searchLimits,
): Promise<RestoredAccounts> {
  const { manifest } = file;
  const isChosen = ({ path }: { path: string }) =>
    chosen === undefined || chosen.some((each) => isIn(path, each));
  const lists = manifest.files.filter(({ path }) => isList(path));
  const restored = new Set(lists.filter(isChosen).map(({ path }) => path as AccountFile));
  const here = await textsHere(root);
  const merged = withReadableNames(
    mergeAccounts({
      ...{ here, liferaft: await textsIn(file, lists), restored, replace },
      owners: ownersIn(manifest),
    }),
  );
  const leaves = new Set([...manifest.files, ...manifest.links].filter(isChosen).map(pathOf));
  const { users, groups } = merged.numbers;
  const affects = ({ uid, gid }: OwnedFile) =>
    users.moved.has(uid) || groups.moved.has(gid) || users.gone.has(uid) || groups.gone.has(gid);
  const isNeeded = [users, groups].some(({ moved, gone }) => moved.size > 0 || gone.size > 0);
  const { found, looked, complete } = isNeeded
    ? await findOwned(root, (each) => !leaves.has(each.path) && affects(each), limits)
    : { found: [], looked: 0, complete: true };
  const handovers = found.map((each) => handoverOf(each, merged));
  const moving = handovers.filter(({ before, after }) => wordsOf(before) !== wordsOf(after));
  const units = await failingUnits(file, root, isChosen, here, merged);
  const report: AccountsReport = {
    mode: replace ? 'replace' : 'merge',
    changes: merged.changes,
    ranges: merged.ranges,
    handedOver: listOf(moving),
    orphaned: listOf(
      handovers.filter(({ before }) => users.gone.has(before.uid) || groups.gone.has(before.gid)),
    ),
    search: {
      where: `the file system of ${root}, at most ${limits.looked} paths`,
      ...{ looked, complete },
    },
    units,
  };
  return {
    file: restored.size === 0 ? file : withTexts(file, merged, restored),
    ...([merged.changes, merged.ranges, units].some(({ length }) => length > 0) && { report }),
    plan: (folder) => planHandovers(folder, moving),
  };
}

function isList(path: string): path is AccountFile {
  return (accountFiles as readonly string[]).includes(path);
}

function pathOf({ path }: { path: string }): string {
  return path;
}

// As bytes: a comment may be in any encoding, and stays as it is.
const encoding = 'latin1';

/** What is meant by text that was read as bytes. */
function readable(text: string): string {
  return Buffer.from(text, encoding).toString();
}

/** Names as everybody else has them, a manifest and units among them. */
function withReadableNames({ texts, changes, ranges, numbers }: MergedAccounts): MergedAccounts {
  const named = ({ after, ...rest }: NumberChanges) => ({
    ...rest,
    after: new Map([...after].map(([name, number]) => [readable(name), number])),
  });
  return {
    texts,
    changes: changes.map(({ heir, ...each }) => ({
      ...each,
      name: readable(each.name),
      ...(heir !== undefined && { heir: readable(heir) }),
    })),
    ranges: ranges.map((each) => ({ ...each, name: readable(each.name) })),
    numbers: { users: named(numbers.users), groups: named(numbers.groups) },
  };
}

async function textsHere(root: string): Promise<AccountTexts> {
  const texts: AccountTexts = {};
  for (const path of accountFiles) {
    const bytes = await readList(join(root, path));
    if (bytes) texts[path] = bytes.toString(encoding);
  }
  return texts;
}

async function textsIn(file: LiferaftFile, items: readonly FileItem[]): Promise<AccountTexts> {
  const texts: AccountTexts = {};
  for (const item of items) texts[item.path as AccountFile] = await textOf(file, item);
  return texts;
}

async function textOf(file: LiferaftFile, item: FileItem): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of file.content(item)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString(encoding);
}

function ownersIn({ files, links, folders }: Manifest) {
  const users = new Set<string>();
  const groups = new Set<string>();
  for (const { user, group } of [...files, ...links, ...folders]) {
    if (user !== null) users.add(Buffer.from(user).toString(encoding));
    if (group !== null) groups.add(Buffer.from(group).toString(encoding));
  }
  return { users, groups };
}

function handoverOf({ path, uid, gid, mode }: OwnedFile, { numbers }: MergedAccounts): Handover {
  const after = {
    uid: numbers.users.moved.get(uid) ?? uid,
    gid: numbers.groups.moved.get(gid) ?? gid,
  };
  return { path, before: { uid, gid }, after, ...((mode & special) !== 0 && { mode }) };
}

function wordsOf({ uid, gid }: Handover['before']): string {
  return `${uid}:${gid}`;
}

function listOf(handovers: readonly Handover[]): FileList {
  const first = handovers
    .slice(0, mostListed)
    .map(({ path, before, after }) => ({ path, owner: wordsOf(before), after: wordsOf(after) }));
  return { total: handovers.length, first };
}

/**
 * Units that run as an account that vanishes, and those of the liferaft that run as one that is not there afterwards.
 */
async function failingUnits(
  file: LiferaftFile,
  root: string,
  isChosen: (item: { path: string }) => boolean,
  here: AccountTexts,
  { numbers: { users, groups } }: MergedAccounts,
): Promise<AccountsReport['units']> {
  const restored = file.manifest.files.filter(
    (item) => isUnit(item.path) && isChosen(item) && item.size <= maxUnitBytes,
  );
  const hadUser = parseAccountNumbers(readable(here['/etc/passwd'] ?? ''));
  const hadGroup = parseAccountNumbers(readable(here['/etc/group'] ?? ''));
  if (restored.length === 0 && users.gone.size === 0 && groups.gone.size === 0) return [];
  const texts = new Map(await readUnitFiles(root));
  const theirs = new Set(restored.map(pathOf));
  for (const item of restored) texts.set(item.path, readable(await textOf(file, item)));
  const failing: { path: string; account: string }[] = [];
  for (const [path, text] of texts) {
    const named = runsAs(text);
    const isMissing = (
      name: string,
      had: ReadonlyMap<string, number>,
      after: ReadonlyMap<string, number>,
    ) => !after.has(name) && (had.has(name) || theirs.has(path));
    for (const name of named.users) {
      if (isMissing(name, hadUser, users.after)) failing.push({ path, account: `user ${name}` });
    }
    for (const name of named.groups) {
      if (isMissing(name, hadGroup, groups.after)) failing.push({ path, account: `group ${name}` });
    }
  }
  return failing;
}

/** The liferaft, with other texts of some files and with the numbers that names have afterwards. */
function withTexts(
  file: LiferaftFile,
  { texts, numbers }: MergedAccounts,
  restored: ReadonlySet<AccountFile>,
): LiferaftFile {
  const contents = new Map(
    Object.entries(texts).map(([path, text]) => [path, Buffer.from(text, encoding)]),
  );
  // Where a list is not restored, the names count that this host has; see owners.ts.
  const users = restored.has('/etc/passwd') ? numbers.users.after : undefined;
  const groups = restored.has('/etc/group') ? numbers.groups.after : undefined;
  const idOf = (
    accounts: ReadonlyMap<string, number> | undefined,
    name: string | null,
    id: number,
  ) => (name === null ? undefined : accounts?.get(name)) ?? id;
  const named = (acl: NamedAcl): NamedAcl => ({
    ...acl,
    users: acl.users.map((each) => ({ ...each, id: idOf(users, each.name, each.id) })),
    groups: acl.groups.map((each) => ({ ...each, id: idOf(groups, each.name, each.id) })),
  });
  const owned = <T extends Omit<Owned, 'mode'> & Pick<FolderItem, 'acl' | 'defaultAcl'>>(
    item: T,
  ): T => ({
    ...item,
    uid: idOf(users, item.user, item.uid),
    gid: idOf(groups, item.group, item.gid),
    ...(item.acl && { acl: named(item.acl) }),
    ...(item.defaultAcl && { defaultAcl: named(item.defaultAcl) }),
  });
  const { manifest } = file;
  const files = manifest.files.map((item) => {
    const content = contents.get(item.path);
    if (content === undefined) return owned(item);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { ...owned(item), size: content.length, sha256 };
  });
  return {
    ...file,
    manifest: {
      ...manifest,
      files,
      folders: manifest.folders.map(owned),
      links: manifest.links.map(owned),
    },
    async *content(item) {
      const content = contents.get(item.path);
      if (content === undefined) yield* file.content(item);
      else yield content;
    },
  };
}

/** What root should know before a restore is carried out, in a sentence each. */
export function warningsOf({ changes, ranges, orphaned, search, units }: AccountsReport): string[] {
  const gone = changes.filter(({ change }) => change === 'vanishes');
  const names = gone.map(({ kind, name }) => `${kind} ${name}`);
  const inherited = gone.flatMap(({ kind, name, heir }) =>
    heir === undefined ? [] : [`${kind} ${heir} (from ${name})`],
  );
  const isMoved = changes.some(({ change }) => change === 'renumbered');
  return [
    ...(names.length > 0
      ? [
          `These vanish from this host: ${listed(names)}. Files outside of the liferaft that nobody owns then: ${orphaned.total}.`,
        ]
      : []),
    ...units.map(
      ({ path, account }) =>
        `${path} will fail, for it runs as the ${account}, which is not there.`,
    ),
    ...(inherited.length > 0
      ? [
          `These get the number of an account that vanishes, and with it the files that are not handed over: ${listed(inherited)}.`,
        ]
      : []),
    ...(ranges.length > 0
      ? [
          `These get other subordinate ids, and what their containers own keeps its numbers: ${listed(ranges.map(({ file, name, here, after }) => `${name} (${file}: ${here} -> ${after})`))}.`,
        ]
      : []),
    ...(isMoved
      ? [
          'Some accounts get another number. Restart this host when the restore has ended: what runs has the former ones.',
        ]
      : []),
    ...(search.complete
      ? []
      : [
          `The search for files of accounts that change was not complete: it covers ${search.where}. 'find / -nouser -o -nogroup' finds the rest afterwards.`,
        ]),
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  return names.slice(0, 20).join(', ') + more;
}
