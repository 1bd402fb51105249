import type { Stats } from 'node:fs';
import { link, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import type { Config } from '../../kit/config.ts';
import { Fault, type FaultCode, systemErrorCode } from '../../kit/fault.ts';
import { namesIn } from '../../kit/files/files.ts';
import { layoutOf } from '../format/archive.ts';
import { type CheckedLiferaft, makeLiferaftCheck, tooLarge } from '../format/check.ts';
import { openLiferaft, readLaterHead } from '../format/liferaft-file.ts';
import { invalid, isWhole, type Manifest } from '../format/manifest.ts';
import { damagedName, liferaftName, namePartsOf } from '../format/names.ts';
import { removeUnfinished, writeNewFile } from '../collecting/new-liferaft.ts';
import {
  leastPartialBytes,
  partialBytes,
  partialName,
  removeOldPartials,
  removePartials,
} from './partial.ts';
import { checkReserve } from './reserve.ts';
import { type Generation, generationsToKeep } from './retention.ts';

/** Which liferaft it is. */
export interface Held {
  digest: string;
  lineage: string;
  generation: number;
}

/** What who sends one says of it. */
export interface Announced {
  /** Who sends it, by the key that the connection was made with. */
  hostId: string;
  digest: string;
  /** Bytes. */
  size: number;
  /** Whether the host counts its generations anew. */
  rebuilt: boolean;
  /** How many bytes of it came before, and are not sent again. */
  offset?: number;
}

/** Takes in liferafts. Of one folder there may be one at a time, but for imports. */
export interface LiferaftReceiver {
  /** Removes what a kill left. To be called once, before anything is received. */
  tidy(): Promise<void>;
  /** The latest of a host; undefined if there is none, or it cannot be read. */
  held(hostId: string): Promise<Held | undefined>;
  /** How many bytes came of that liferaft before it was cut off. */
  partial(hostId: string, digest: string): Promise<number>;
  /** Whether there is a liferaft of that host, and of that count if one is named. */
  knows(hostId: string, lineage?: string): Promise<boolean>;
  /** Notes that the latest of a host is still what the host is. */
  confirm(hostId: string): Promise<void>;
  /**
   * Takes in a liferaft, which is checked as it comes. The one before becomes a former one. On a fault everything is
   * as it was, but for what came of one that was cut off.
   * @param source is no further read, and closed, as soon as something is wrong with it
   * Faults: `liferaft_invalid`, `liferaft_of_later_format`, `liferaft_cut_off`, `liferaft_too_large`,
   * `liferaft_of_another_host`, `liferaft_older`, `liferaft_busy`, `too_many_liferafts`, `no_space`
   */
  receive(announced: Announced, source: AsyncIterable<Buffer>): Promise<Held>;
  /**
   * Takes in one from a file, with the same checks; it may be of any host.
   * @returns also the name that it has here
   * Faults: `liferaft_not_found` if there is no such file, and those of `receive`
   */
  importFile(path: string): Promise<Held & { name: string }>;
}

/** How much is taken in, and stays; see config.ts. */
export interface ReceiverLimits {
  /** How many liferafts of a host are kept, the latest among them. */
  keep: number;
  /** For how many hours one an hour is kept beside these, and for how many days one a day; none if nothing is said. */
  keepHours?: number;
  keepDays?: number;
  /** Bytes of one at most. */
  mostBytes: number;
}

export function receiverLimits(config: Config): ReceiverLimits {
  return {
    keep: config.liferaft_keep,
    keepHours: config.liferaft_keep_hours,
    keepDays: config.liferaft_keep_days,
    mostBytes: config.liferaft_most_bytes,
  };
}

/** How many are received at the same time at most. */
const mostAtOnce = 8;

/** What is known of one that can be read. */
interface HeldHere extends Held {
  /** Whether all is in it that its host cannot be brought back without. */
  isWhole: boolean;
}

/** One that can be read. */
interface Kept extends Held, Generation {
  name: string;
}

export function makeReceiver(
  folder: string,
  { keep, keepHours = 0, keepDays = 0, mostBytes }: ReceiverLimits,
): LiferaftReceiver {
  const retention = { last: keep, hours: keepHours, days: keepDays };
  /** Hosts of which one is being received. */
  const busy = new Set<string>();
  // No file here is written to, so one is read once.
  const alreadyRead = new Map<string, { stamp: string; held: HeldHere | undefined }>();

  async function heldIn(name: string, hostId: string): Promise<HeldHere | undefined> {
    const stamp = await stampOf(join(folder, name));
    if (stamp === undefined) {
      alreadyRead.delete(name);
      return undefined;
    }
    const known = alreadyRead.get(name);
    if (known?.stamp === stamp) return known.held;
    const held = await readHeld(join(folder, name), hostId);
    alreadyRead.set(name, { stamp, held });
    return held;
  }

  async function namesOf(hostId: string): Promise<string[]> {
    return (await namesIn(folder)).filter((name) => namePartsOf(name)?.hostId === hostId);
  }

  async function keptOf(hostId: string): Promise<Kept[]> {
    const kept = [];
    for (const name of await namesOf(hostId)) {
      const held = await heldIn(name, hostId);
      const stats = await statIfThere(join(folder, name));
      if (held === undefined || stats === undefined) continue;
      const isLatest = name === liferaftName(hostId);
      kept.push({ name, ...held, isLatest, until: stats.mtime });
    }
    return kept;
  }

  async function take(
    announced: Partial<Announced>,
    source: AsyncIterable<Buffer>,
  ): Promise<CheckedLiferaft> {
    const { hostId, digest, size, rebuilt = false, offset = 0 } = announced;
    const next = hostId === undefined ? deleteFirst : sayRebuilt;
    const part = hostId && digest && partialName(hostId, digest);
    const kept = hostId === undefined ? [] : await keptOf(hostId);
    const expected = {
      ...(hostId !== undefined && { hostId }),
      ...(digest !== undefined && { digest }),
      mostBytes,
    };
    const check = makeLiferaftCheck(expected, (manifest) => {
      checkSize(manifest, size);
      checkOrder(manifest, kept, rebuilt, next);
    });
    const checked = await writeNewFile({
      folder,
      async write(writes) {
        const before = part && offset > 0 ? readPieces(join(folder, part), offset) : [];
        for await (const chunk of chain(before, source)) {
          check.write(chunk);
          // A promise for each piece would cost more than the piece.
          const room = writes.write(chunk);
          if (room) await room;
        }
        return check.end();
      },
      nameOf: ({ manifest }) => liferaftName(manifest.host.id),
      async beforeNamed({ manifest }) {
        // Another one may have been imported meanwhile.
        checkOrder(manifest, await keptOf(manifest.host.id), rebuilt, next);
        await putLatestAside(manifest.host.id);
      },
      nameOfPart: (error, bytes) =>
        error instanceof Fault && error.code === 'liferaft_cut_off' && bytes >= leastPartialBytes
          ? part
          : undefined,
    });
    await prune(checked.manifest.host.id);
    return checked;
  }

  /** The latest keeps its name until the new one has it. */
  async function putLatestAside(hostId: string): Promise<void> {
    const name = liferaftName(hostId);
    if ((await stampOf(join(folder, name))) === undefined) return;
    const held = await heldIn(name, hostId);
    if (held === undefined) {
      await rename(join(folder, name), join(folder, damagedName(hostId)));
      return;
    }
    const aside = join(folder, await nameAside(hostId, held));
    await rm(aside, { force: true });
    await link(join(folder, name), aside);
  }

  /** One of its number may be of a former lineage: the last state of the host before it was rebuilt, say, which stays. */
  async function nameAside(hostId: string, { generation, digest }: Held): Promise<string> {
    for (let number = generation; ; number += 1) {
      const name = liferaftName(hostId, number);
      const there = await heldIn(name, hostId);
      // The latest itself has that name when a kill came before it was replaced.
      if (there === undefined || there.digest === digest) return name;
    }
  }

  /** Leaves those that are to be kept, and removes what cannot be read. */
  async function prune(hostId: string): Promise<void> {
    const names = await namesOf(hostId);
    const kept = await keptOf(hostId);
    const toKeep = generationsToKeep(kept, retention, new Date());
    const stay = new Set([liferaftName(hostId), ...[...toKeep].map(({ name }) => name)]);
    for (const name of names.filter((each) => !stay.has(each))) {
      await rm(join(folder, name), { force: true });
      alreadyRead.delete(name);
    }
  }

  return {
    partial: (hostId, digest) => partialBytes(folder, hostId, digest),
    async knows(hostId, lineage) {
      const kept = await keptOf(hostId);
      return kept.some((each) => lineage === undefined || each.lineage === lineage);
    },
    async tidy() {
      await removeUnfinished(folder);
      await removeOldPartials(folder);
      const hosts = (await namesIn(folder)).map((name) => namePartsOf(name)?.hostId);
      for (const hostId of new Set(hosts)) if (hostId !== undefined) await prune(hostId);
    },
    held: (hostId) => heldIn(liferaftName(hostId), hostId),
    async confirm(hostId) {
      const now = new Date();
      try {
        await utimes(join(folder, liferaftName(hostId)), now, now);
      } catch (error) {
        // It was deleted a moment ago.
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      }
    },
    async receive(announced, source) {
      const { hostId, digest, size, offset = 0 } = announced;
      if (size > mostBytes) throw tooLarge(size, mostBytes);
      if (busy.has(hostId)) throw busyWith(hostId);
      if (busy.size >= mostAtOnce) throw tooMany();
      busy.add(hostId);
      try {
        await removePartials(folder, hostId, partialName(hostId, digest));
        if (offset > (await partialBytes(folder, hostId, digest))) throw notThere();
        await checkReserve(folder, size);
        const held = heldOf(await take(announced, source));
        await removePartials(folder, hostId);
        await removeOldPartials(folder);
        return held;
      } catch (error) {
        // What is wrong with it, or was taken back, is not to be gone on with.
        if (!(error instanceof Fault) || !waiting.has(error.code)) {
          await removePartials(folder, hostId);
        }
        throw error;
      } finally {
        busy.delete(hostId);
      }
    },
    async importFile(path) {
      try {
        await checkReserve(folder, (await stat(path)).size);
        const checked = await take({}, readPieces(path));
        return { ...heldOf(checked), name: liferaftName(checked.manifest.host.id) };
      } catch (error) {
        if (!isNoFile(error, path)) throw error;
        throw new Fault(
          'liferaft_not_found',
          `There is no liferaft ${path}. Name the file to import.`,
        );
      }
    },
  };
}

/** Faults after which the rest may still come. */
const waiting: ReadonlySet<FaultCode> = new Set(['liferaft_cut_off', 'no_space']);

function notThere(): Fault {
  return new Fault(
    'liferaft_cut_off',
    'What came before of this liferaft is not here any more. Send all of it.',
  );
}

async function* chain(
  before: Iterable<Buffer> | AsyncIterable<Buffer>,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield* before;
  yield* source;
}

/** Of one read of a file. */
const pieceBytes = 1024 * 1024;

async function* readPieces(
  path: string,
  length = Infinity,
): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path);
  try {
    for (let left = length; left > 0;) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, left));
      const { buffer, bytesRead } = await file.read({ buffer: piece });
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function readHeld(path: string, hostId: string): Promise<HeldHere | undefined> {
  try {
    const file = await openLiferaft(path, hostId);
    await file?.close();
    return file && { ...heldOf(file), isWhole: isWhole(file.manifest) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'liferaft_damaged') return undefined;
    if (error.code !== 'liferaft_of_later_format') throw error;
    // It was taken in by a later version, and is as good as any for who installs that one again.
    const head = await readLaterHead(path);
    if (head?.host.id !== hostId) return undefined;
    const { digest, lineage, generation } = head;
    // That cannot be told, and the last one that is known to be whole stays then.
    return { digest, lineage, generation, isWhole: false };
  }
}

function heldOf({ digest, manifest }: { digest: string; manifest: Manifest }): Held {
  return { digest, lineage: manifest.lineage, generation: manifest.generation };
}

/** Undefined if there is no such file. */
async function stampOf(path: string): Promise<string | undefined> {
  const stats = await statIfThere(path);
  return stats && `${stats.ino}:${stats.size}`;
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function checkSize(manifest: Manifest, announced: number | undefined): void {
  const { size } = layoutOf(manifest);
  if (announced !== undefined && announced !== size) {
    throw invalid(`It is said to have ${announced} bytes, and by its manifest it has ${size}.`);
  }
}

/** What a sender does to have an older one taken in, and what who imports one does. */
const sayRebuilt =
  "If that host was rolled back and its present state is to count, say so on it as root: 'hactl alphorn rebuilt'.";
const deleteFirst =
  "If this one is to count, first delete those of that host that are here: 'hactl alphorn list' names them, 'hactl alphorn delete NAME...' deletes them.";

/**
 * A liferaft has to be newer than all of its lineage that are here. One of another lineage takes the place of the latest
 * only if its host says that it was rebuilt, and if it is none of which there were some here: it would be a former one.
 */
function checkOrder(
  { host, lineage, generation }: Manifest,
  kept: readonly Kept[],
  rebuilt: boolean,
  next: string,
): void {
  const older = (why: string) =>
    new Fault('liferaft_older', `${why} Nothing of it was kept, and what is here stays. ${next}`);
  const latest = kept.find(({ isLatest }) => isLatest);
  const ofLineage = kept.filter((each) => each.lineage === lineage);
  const newest = Math.max(0, ...ofLineage.map((each) => each.generation));
  if (generation <= newest) {
    throw older(`Generation ${newest} of host ${host.id} is here, and this is its ${generation}.`);
  }
  if (latest === undefined || latest.lineage === lineage) return;
  if (ofLineage.length > 0) {
    throw older(`Host ${host.id} was rebuilt since it made this one.`);
  }
  if (!rebuilt) {
    throw older(
      `Host ${host.id} has begun to count its generations anew, and did not say that it was rebuilt.`,
    );
  }
}

function busyWith(hostId: string): Fault {
  return new Fault(
    'liferaft_busy',
    `A liferaft of host ${hostId} is being received. Send this one when that has ended.`,
    { retryAfterSeconds: 1 },
  );
}

function tooMany(): Fault {
  return new Fault(
    'too_many_liferafts',
    `${mostAtOnce} liferafts are being received, which is the most at once. Send this one later.`,
    { retryAfterSeconds: 5 },
  );
}

function isNoFile(error: unknown, path: string): boolean {
  const code = systemErrorCode(error);
  // Of what is done in the store's folder the error names another path. A folder is opened, and cannot be read.
  return code === 'EISDIR' || (code === 'ENOENT' && (error as NodeJS.ErrnoException).path === path);
}
