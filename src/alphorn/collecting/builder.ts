import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { gatheredBytes, type GatheredWrites } from '../../kit/concurrency/gathered-writes.ts';
import { inTurn } from '../../kit/concurrency/serialize.ts';
import { keep } from '../../kit/files/cached-by-stamp.ts';
import type { AlphornPaths } from '../../kit/paths.ts';
import { fileStamp, folderStamp } from '../../kit/files/stamps.ts';
import {
  endOfArchive,
  entryHeader,
  entryName,
  layoutOf,
  manifestName,
  padding,
} from '../format/archive.ts';
import { type Collected, fileUnsteady, makeCollector } from './collect.ts';
import { Unsteady } from './digest.ts';
import type { Essential } from './essential.ts';
import type { LeftOut } from './left-out.ts';
import type { Mounts } from './mounts.ts';
import { hostIdOf, hostName } from '../peers/host-id.ts';
import { type LiferaftFile, openLiferaft, readLaterHead } from '../format/liferaft-file.ts';
import {
  digestOf,
  type FileItem,
  formatOf,
  limits,
  type Manifest,
  manifestBytes,
} from '../format/manifest.ts';
import { liferaftName } from '../format/names.ts';
import { removeUnfinished, writeNewFile } from './new-liferaft.ts';
import { lineageByRoot } from '../peers/lineage-by-root.ts';
import { readRules, rulesInvalid } from './rules.ts';

/** This host's own liferaft, as it is on the disk. */
export interface OwnLiferaft {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
  /** Of the file. It is replaced whole, so who opened it reads one and the same to its end. */
  path: string;
}

export interface Round {
  liferaft: OwnLiferaft;
  /** Whether this round made it. */
  changed: boolean;
  /** All that the rules name and that is not in it as it is now; see Collected. */
  leftOut: readonly LeftOut[];
  leftOutMore: number;
}

/** Keeps a liferaft that is what this host is. Of one folder there may be one at a time. */
export interface LiferaftBuilder {
  /**
   * Looks whether something changed, and makes a new generation if so. Rounds come one after another.
   * Faults: `alphorn_rules_invalid`, `host_without_id`, `file_unsteady`, `no_space`; after each the liferaft is as before
   */
  round(): Promise<Round>;
  /** The latest; undefined where there is none yet, or it is damaged. Faults: `host_without_id` */
  current(): Promise<OwnLiferaft | undefined>;
}

/** How often one is made anew because something changed meanwhile; then each file is whole, but not all of one moment. */
const triesForOneMoment = 3;
/** From then on whatever changed within the last seconds stays as it was. */
const triesForLatest = 5;
const maxTries = 8;

/**
 * @param parts.mounts which file systems answer; all are taken to, if nothing is said
 * @param parts.essentials others in tests
 */
export function makeLiferaftBuilder(parts: {
  paths: AlphornPaths;
  mounts?: Mounts;
  essentials?: readonly Essential[];
}): LiferaftBuilder {
  const { paths } = parts;
  const collector = makeCollector(paths, parts.mounts, parts.essentials);
  const oneAtATime = inTurn();
  const rulesNow = keep(
    () => folderStamp(paths.rules),
    () => readRules(paths.rules),
  );
  const hostIdNow = keep(
    async () => `${await fileStamp(paths.hostId)} ${await fileStamp(paths.machineId)}`,
    () => hostIdOf(paths),
  );
  let own: (OwnLiferaft & { stamp: string }) | undefined;
  /** What was collected when it was last found to be what is in `own`. */
  let matching: { digest: string; collected: Collected } | undefined;
  let isTidy = false;

  const pathOf = (hostId: string) => join(paths.own, liferaftName(hostId));

  async function currentOf(hostId: string): Promise<OwnLiferaft | undefined> {
    const path = pathOf(hostId);
    const stamp = await fileStamp(path);
    if (own?.path === path && own.stamp === stamp) return own;
    const read = await readOwn(path, hostId);
    own = read && { ...read, stamp };
    return own;
  }

  async function round(): Promise<Round> {
    if (!isTidy) await removeUnfinished(paths.own);
    isTidy = true;
    const rules = await rulesNow();
    const host = { id: await hostIdNow(), name: hostName() };
    const byRoot = await lineageByRoot(paths.own);
    const current = await currentOf(host.id);
    let former = byRoot === undefined || current?.manifest.lineage === byRoot ? current : undefined;
    /** Files that changed since the try before. Those that do it twice are put aside. */
    const changed = new Set<string>();
    const aside = new Set<string>();
    let before: { collected: Collected; unsteady: string } | undefined;

    for (let attempt = 1; ; attempt += 1) {
      const options = {
        ...{ former: former?.manifest, aside },
        onlySettled: attempt > triesForLatest,
      };
      const collected = await collector.collect(rules, options);
      const { leftOut, leftOutMore } = collected;
      if (before) {
        const wasAside = aside.size;
        for (const path of new Set([
          before.unsteady,
          ...changedFiles(before.collected, collected),
        ])) {
          if (changed.has(path)) aside.add(path);
          changed.add(path);
        }
        before = undefined;
        if (aside.size > wasAside) continue;
      }
      if (former !== undefined && isIn(former, host, collected)) {
        return { liferaft: former, changed: false, leftOut, leftOutMore };
      }
      try {
        // One that a later version made is counted on from, though it cannot be read.
        const latest = former?.manifest ?? (await readLaterHead(pathOf(host.id)));
        const last = byRoot === undefined || latest?.lineage === byRoot ? latest : undefined;
        const count = {
          lineage: last?.lineage ?? byRoot ?? randomBytes(16).toString('hex'),
          generation: (last?.generation ?? 0) + 1,
        };
        const liferaft = await make(former, count, host, collected, async () => {
          if (attempt >= triesForOneMoment) return;
          const later = await collector.collect(rules, options);
          if (!isSameContent(later, collected)) throw new Unsteady('/');
        });
        matching = { digest: liferaft.digest, collected };
        own = { ...liferaft, stamp: await fileStamp(liferaft.path) };
        return { liferaft: own, changed: true, leftOut, leftOutMore };
      } catch (error) {
        if (isDamage(error) && former !== undefined) {
          // What was to be kept of it cannot be read, so it is as if it were not there.
          own = former = undefined;
          continue;
        }
        if (!(error instanceof Unsteady)) throw error;
        if (attempt >= maxTries) throw fileUnsteady(error.path);
        before = { collected, unsteady: error.path };
        collector.distrust(error.path);
      }
    }
  }

  function isIn(former: OwnLiferaft, host: Manifest['host'], collected: Collected): boolean {
    const { manifest, digest } = former;
    if (host.name !== manifest.host.name) return false;
    if (matching?.digest === digest && isSameContent(matching.collected, collected)) return true;
    const { folders, files, links, lacking } = collected;
    const format = formatOf(collected);
    const wouldBe = manifestBytes({ ...manifest, format, folders, files, links, lacking });
    if (digestOf(wouldBe) !== digest) return false;
    matching = { digest, collected };
    return true;
  }

  async function make(
    former: OwnLiferaft | undefined,
    count: Pick<Manifest, 'lineage' | 'generation'>,
    host: Manifest['host'],
    { folders, files, links, kept, lacking }: Collected,
    beforeNamed: () => Promise<void>,
  ): Promise<OwnLiferaft> {
    const manifest: Manifest = {
      format: formatOf({ folders, files, lacking }),
      host,
      ...count,
      time: new Date().toISOString(),
      ...{ folders, files, links },
      ...(lacking.length > 0 && { lacking }),
    };
    const bytes = manifestBytes(manifest);
    checkLimits(manifest, bytes);
    await writeNewFile({
      folder: paths.own,
      write: (writes) => write(manifest, bytes, writes, { kept, former: former?.path }),
      nameOf: () => liferaftName(host.id),
      beforeNamed,
    });
    return {
      manifest,
      digest: digestOf(bytes),
      size: layoutOf(manifest).size,
      path: pathOf(host.id),
    };
  }

  return {
    round: () => oneAtATime(round),
    current: () => oneAtATime(async () => currentOf(await hostIdNow())),
  };
}

/** One that is damaged, or of a later version, is as if it were not there. */
async function readOwn(path: string, hostId: string): Promise<OwnLiferaft | undefined> {
  try {
    const file = await openLiferaft(path, hostId);
    if (file === undefined) return undefined;
    try {
      await file.check();
      const { manifest, digest, size } = file;
      return { manifest, digest, size, path };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isDamage(error) || isOfLaterFormat(error)) return undefined;
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof Fault && error.code === 'liferaft_damaged';
}

function isOfLaterFormat(error: unknown): boolean {
  return error instanceof Fault && error.code === 'liferaft_of_later_format';
}

/** @param from.kept the files whose content is that in the liferaft before, at `from.former` */
async function write(
  manifest: Manifest,
  manifestRaw: Buffer,
  writes: GatheredWrites,
  from: { kept: Collected['kept']; former: string | undefined },
): Promise<void> {
  await writes.write(entryHeader(manifestName, manifestRaw.length));
  await writes.write(manifestRaw);
  await writes.write(padding(manifestRaw.length));
  const copy = makeCopier(writes);
  const former = from.kept.size > 0 ? await openFormer(from.former) : undefined;
  try {
    for (const file of manifest.files) {
      await writes.write(entryHeader(entryName(file.path), file.size));
      if (former && from.kept.has(file)) {
        for await (const piece of former.content(file)) await writes.write(piece);
      } else await copy(file);
      await writes.write(padding(file.size));
    }
  } finally {
    await former?.close();
  }
  await writes.write(endOfArchive);
}

/** Faults: `liferaft_damaged` if it is gone too */
async function openFormer(path = ''): Promise<LiferaftFile> {
  const file = await openLiferaft(path);
  if (file) return file;
  throw new Fault('liferaft_damaged', `${path} is gone. It is made again in the next round.`);
}

/** What it makes throws Unsteady if the file is no longer what the manifest says. */
function makeCopier(writes: GatheredWrites): (file: FileItem) => Promise<void> {
  // In turn: for each megabyte a buffer of its own would be as much garbage as there is content.
  let [buffer, other] = [Buffer.allocUnsafe(gatheredBytes), Buffer.allocUnsafe(gatheredBytes)];
  return async ({ path, size, sha256 }) => {
    // Neither another file behind a link nor, if it is a fifo by now, a wait for who writes to it.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await orLookAgain(path, () => open(path, flags));
    try {
      const hash = createHash('sha256');
      for (let left = size; left > 0;) {
        const wanted = Math.min(buffer.length, left);
        const { bytesRead } = await orLookAgain(path, () => file.read(buffer, 0, wanted, null));
        if (bytesRead === 0) throw new Unsteady(path);
        left -= bytesRead;
        const piece = buffer.subarray(0, bytesRead);
        hash.update(piece);
        if (bytesRead === buffer.length) {
          await writes.write(piece);
          [buffer, other] = [other, buffer];
        } else {
          await writes.write(Buffer.from(piece));
        }
      }
      if (hash.digest('hex') !== sha256) throw new Unsteady(path);
    } finally {
      await file.close();
    }
  };
}

/**
 * Reads a file that was as it is when it was looked at last. One that cannot be read by now, such as of a disk that
 * fails, is looked at again in the next try, which leaves it as it was and says why.
 * @throws Unsteady
 */
async function orLookAgain<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : new Unsteady(path);
  }
}

function checkLimits({ folders, files, links }: Manifest, bytes: Buffer): void {
  if (folders.length + files.length + links.length > limits.items) {
    throw rulesInvalid(`They include more than the ${limits.items} paths of a liferaft.`);
  }
  if (bytes.length > limits.manifest) {
    throw rulesInvalid(`With all they include, the manifest has over ${limits.manifest} bytes.`);
  }
}

/** What did not change is the same object. */
function isSameContent(a: Collected, b: Collected): boolean {
  return (
    isSameList(a.folders, b.folders) &&
    isSameList(a.files, b.files) &&
    isSameList(a.links, b.links) &&
    isDeepStrictEqual(a.lacking, b.lacking)
  );
}

/** The paths of files that are in both, and not the same. */
function changedFiles(former: Collected, now: Collected): string[] {
  const items = new Map(former.files.map((item) => [item.path, item]));
  return now.files
    .filter((item) => (items.get(item.path) ?? item) !== item)
    .map(({ path }) => path);
}

function isSameList(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
