import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { fileStamp, folderStamp } from '../../kit/files/stamps.ts';
import type { AlphornPaths } from '../paths.ts';
import { layoutOf } from '../format/archive.ts';
import { limits } from '../format/limits.ts';
import { readLaterHead } from '../format/liferaft-file.ts';
import { digestOf, formatOf, type Manifest, manifestBytes } from '../format/manifest.ts';
import { liferaftName } from '../format/names.ts';
import { removeUnfinished, writeNewFile } from '../format/new-liferaft.ts';
import { hostIdOf, hostName } from '../peers/host-id.ts';
import { lineageByRoot } from '../peers/lineage-by-root.ts';
import { type Collected, makeCollector } from './collect.ts';
import type { Essential } from './essential.ts';
import type { LeftOut } from './left-out.ts';
import { writeLiferaft } from './liferaft-writer.ts';
import { isDamage, type OwnLiferaft, readOwn } from './own-liferaft.ts';
import { Unsteady } from './reading/digest.ts';
import { readRules, rulesInvalid } from './rules.ts';
import type { Mounts } from './walk/mounts.ts';

export interface Round {
  liferaft: OwnLiferaft;
  /** Whether this round made it. */
  changed: boolean;
  /** What the rules name and the liferaft does not have as it is now; see Collected. */
  leftOut: readonly LeftOut[];
  leftOutMore: number;
}

/** Keeps this host's liferaft up to date. A folder may have only one builder at a time. */
export interface LiferaftBuilder {
  /**
   * Looks for changes, and makes a new generation if there are any. Rounds do not overlap.
   * Faults: `alphorn_rules_invalid`, `host_without_id`, `file_unsteady`, `no_space`; each leaves the liferaft as it was
   */
  round(): Promise<Round>;
  /** The latest; undefined if there is none yet, or if it is damaged. Faults: `host_without_id` */
  current(): Promise<OwnLiferaft | undefined>;
}

/**
 * Max attempts to get all files as of one moment. After that, each file is whole, but they may be of different moments.
 */
const triesForOneMoment = 3;
/** After this many attempts, whatever changed within the last seconds stays as it was. */
const triesForLatest = 5;
const maxTries = 8;

/**
 * @param parts.mounts tells which file systems answer; without it, all are assumed to
 * @param parts.essentials tests pass their own
 */
export function makeLiferaftBuilder(parts: {
  paths: AlphornPaths;
  mounts?: Mounts;
  essentials?: readonly Essential[];
}): LiferaftBuilder {
  const { paths } = parts;
  const collector = makeCollector(paths, parts.mounts, parts.essentials);
  const serialize = makeSerializer();
  const rulesNow = cacheByStamp(
    () => folderStamp(paths.rules),
    () => readRules(paths.rules),
  );
  const hostIdNow = cacheByStamp(
    async () => `${await fileStamp(paths.hostId)} ${await fileStamp(paths.machineId)}`,
    () => hostIdOf(paths),
  );
  let own: (OwnLiferaft & { stamp: string }) | undefined;
  /** What was collected when it last matched the content of `own`. */
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
    /** Files that changed since the attempt before. A file that changes twice is put aside. */
    const changed = new Set<string>();
    const aside = new Set<string>();
    let before: { collected: Collected; unsteady: string } | undefined;

    for (let attempt = 1; ; attempt += 1) {
      const options = {
        former: former?.manifest,
        aside,
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
        // A liferaft of a later version cannot be read, but its generation counts.
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
          // What was to be carried over cannot be read, so it is treated as missing.
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
    { folders, files, links, carriedOver, lacking }: Collected,
    beforeNamed: () => Promise<void>,
  ): Promise<OwnLiferaft> {
    const manifest: Manifest = {
      format: formatOf({ folders, files, lacking }),
      host,
      ...count,
      time: new Date().toISOString(),
      folders,
      files,
      links,
      ...(lacking.length > 0 && { lacking }),
    };
    const bytes = manifestBytes(manifest);
    checkLimits(manifest, bytes);
    await writeNewFile({
      folder: paths.own,
      write: (writes) =>
        writeLiferaft(manifest, bytes, writes, { carriedOver, former: former?.path }),
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
    round: () => serialize(round),
    current: () => serialize(async () => currentOf(await hostIdNow())),
  };
}

function checkLimits({ folders, files, links }: Manifest, bytes: Buffer): void {
  if (folders.length + files.length + links.length > limits.items) {
    throw rulesInvalid(`They include more than the ${limits.items} paths of a liferaft.`);
  }
  if (bytes.length > limits.manifest) {
    throw rulesInvalid(`With all they include, the manifest has over ${limits.manifest} bytes.`);
  }
}

/** Compares identities, because an item that did not change is the same object. */
function isSameContent(a: Collected, b: Collected): boolean {
  return (
    isSameList(a.folders, b.folders) &&
    isSameList(a.files, b.files) &&
    isSameList(a.links, b.links) &&
    isDeepStrictEqual(a.lacking, b.lacking)
  );
}

/** The paths of files that are in both and differ. */
function changedFiles(former: Collected, now: Collected): string[] {
  const items = new Map(former.files.map((item) => [item.path, item]));
  return now.files
    .filter((item) => (items.get(item.path) ?? item) !== item)
    .map(({ path }) => path);
}

function isSameList(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** Files are written to without end. */
function fileUnsteady(path: string): Fault {
  return new Fault(
    'file_unsteady',
    `Files changed each time that a liferaft was written, ${path} last. The liferaft stays as it was; the next round tries again. If they are logs or the like, exclude them in /etc/alphorn/manifest.d.`,
  );
}
