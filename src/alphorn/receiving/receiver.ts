import { open, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault, type FaultCode, systemErrorCode } from '../../kit/fault.ts';
import { ifThere, namesIn } from '../../kit/files/files.ts';
import { readPieces } from '../../kit/files/pieces.ts';
import { layoutOf } from '../format/archive.ts';
import { type CheckedLiferaft, makeLiferaftCheck, tooLarge } from '../format/check.ts';
import { invalid, type Manifest } from '../format/manifest.ts';
import { liferaftName, namePartsOf } from '../format/names.ts';
import { removeUnfinished, writeNewFile } from '../format/new-liferaft.ts';
import { type Held, heldOf, openGenerations } from './generations.ts';
import { checkOrder, deleteFirst, sayRebuilt } from './order.ts';
import {
  minPartialBytes,
  partialBytes,
  partialName,
  removeOldPartials,
  removePartials,
} from './partial.ts';
import { checkReserve } from './reserve.ts';
import type { AlphornConfig } from '../config.ts';

/** What a sender says about its liferaft. */
export interface Announced {
  /** The sender, by the key of its connection. */
  hostId: string;
  digest: string;
  /** Bytes. */
  size: number;
  /** Whether the host has begun a new count of generations. */
  rebuilt: boolean;
  /** How many bytes arrived earlier, and are not sent again. */
  offset?: number;
}

/** Takes in liferafts. A folder may have only one receiver at a time, except for imports. */
export interface LiferaftReceiver {
  /** Removes what a killed process left. Call it once, before anything is received. */
  tidy(): Promise<void>;
  /** Returns the latest of a host; undefined if there is none, or it cannot be read. */
  held(hostId: string): Promise<Held | undefined>;
  /** Returns how many bytes of that liferaft arrived before it was cut off. */
  partial(hostId: string, digest: string): Promise<number>;
  /** Returns whether there is a liferaft of that host, and of that lineage if one is named. */
  knows(hostId: string, lineage?: string): Promise<boolean>;
  /** Notes that the latest of a host is still current. */
  confirm(hostId: string): Promise<void>;
  /**
   * Takes in a liferaft, and checks it as it arrives. The one before becomes a former one. A fault leaves everything as
   * it was, except that the first part of one that was cut off is stored.
   * @param source is closed as soon as something is wrong with it
   * Faults: `liferaft_invalid`, `liferaft_of_later_format`, `liferaft_cut_off`, `liferaft_too_large`,
   * `liferaft_of_another_host`, `liferaft_older`, `liferaft_busy`, `too_many_liferafts`, `no_space`
   */
  receive(announced: Announced, source: AsyncIterable<Buffer>): Promise<Held>;
  /**
   * Takes in a liferaft of any host from a file, with the same checks.
   * @returns also its name here
   * Faults: `liferaft_not_found` if there is no such file, and those of `receive`
   */
  importFile(path: string): Promise<Held & { name: string }>;
}

/** How much is taken in, and what is kept of it; see config.ts. */
export interface ReceiverLimits {
  /** How many liferafts of a host are kept, the latest among them. */
  keep: number;
  /** For how many hours one an hour is kept in addition, and for how many days one a day (default: 0). */
  keepHours?: number;
  keepDays?: number;
  /** Max size of one in bytes. */
  maxBytes: number;
}

export function receiverLimits(config: AlphornConfig): ReceiverLimits {
  return {
    keep: config.liferaft_keep,
    keepHours: config.liferaft_keep_hours,
    keepDays: config.liferaft_keep_days,
    maxBytes: config.liferaft_most_bytes,
  };
}

/** Max number that is received at the same time. */
const maxAtOnce = 8;

export function makeReceiver(
  folder: string,
  { keep, keepHours = 0, keepDays = 0, maxBytes }: ReceiverLimits,
): LiferaftReceiver {
  const retention = { last: keep, hours: keepHours, days: keepDays };
  const generations = openGenerations(folder, retention);
  /** Hosts whose liferaft is being received. */
  const busy = new Set<string>();
  async function take(
    announced: Partial<Announced>,
    source: AsyncIterable<Buffer>,
  ): Promise<CheckedLiferaft> {
    const { hostId, digest, size, rebuilt = false, offset = 0 } = announced;
    const next = hostId === undefined ? deleteFirst : sayRebuilt;
    const part = hostId && digest && partialName(hostId, digest);
    const stored = hostId === undefined ? [] : await generations.all(hostId);
    const expected = {
      ...(hostId !== undefined && { hostId }),
      ...(digest !== undefined && { digest }),
      maxBytes,
    };
    const check = makeLiferaftCheck(expected, (manifest) => {
      checkSize(manifest, size);
      checkOrder(manifest, stored, rebuilt, next);
    });
    const checked = await writeNewFile({
      folder,
      async write(writes) {
        const before = part && offset > 0 ? contentOf(join(folder, part), offset) : [];
        for await (const chunk of chain(before, source)) {
          check.write(chunk);
          // Waiting for each piece would cost more than the piece.
          const room = writes.write(chunk);
          if (room) await room;
        }
        return check.end();
      },
      nameOf: ({ manifest }) => liferaftName(manifest.host.id),
      async beforeNamed({ manifest }) {
        // Another one may have been imported in the meantime.
        checkOrder(manifest, await generations.all(manifest.host.id), rebuilt, next);
        await generations.putLatestAside(manifest.host.id);
      },
      nameOfPart: (error, bytes) =>
        error instanceof Fault && error.code === 'liferaft_cut_off' && bytes >= minPartialBytes
          ? part
          : undefined,
    });
    await generations.prune(checked.manifest.host.id);
    return checked;
  }

  return {
    partial: (hostId, digest) => partialBytes(folder, hostId, digest),
    async knows(hostId, lineage) {
      const stored = await generations.all(hostId);
      return stored.some((each) => lineage === undefined || each.lineage === lineage);
    },
    async tidy() {
      await removeUnfinished(folder);
      await removeOldPartials(folder);
      const hosts = (await namesIn(folder)).map((name) => namePartsOf(name)?.hostId);
      for (const hostId of new Set(hosts))
        if (hostId !== undefined) await generations.prune(hostId);
    },
    held: (hostId) => generations.latest(hostId),
    async confirm(hostId) {
      const now = new Date();
      // It may have been deleted a moment ago.
      await ifThere(utimes(join(folder, liferaftName(hostId)), now, now));
    },
    async receive(announced, source) {
      const { hostId, digest, size, offset = 0 } = announced;
      if (size > maxBytes) throw tooLarge(size, maxBytes);
      if (busy.has(hostId)) throw busyWith(hostId);
      if (busy.size >= maxAtOnce) throw tooMany();
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
        // The rest of a liferaft that is wrong, or was refused, is of no use.
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
        const checked = await take({}, contentOf(path));
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

/** Faults after which the rest may still arrive. */
const waiting: ReadonlySet<FaultCode> = new Set(['liferaft_cut_off', 'no_space']);

function notThere(): Fault {
  return new Fault(
    'liferaft_cut_off',
    'The first part of this liferaft is no longer here. Send all of it.',
  );
}

async function* chain(
  before: Iterable<Buffer> | AsyncIterable<Buffer>,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield* before;
  yield* source;
}

/** Each piece has a buffer of its own, because writes are gathered. */
async function* contentOf(path: string, length?: number): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path);
  try {
    for await (const piece of readPieces(file, length === undefined ? {} : { length }))
      yield Buffer.from(piece);
  } finally {
    await file.close();
  }
}

function checkSize(manifest: Manifest, announced: number | undefined): void {
  const { size } = layoutOf(manifest);
  if (announced !== undefined && announced !== size) {
    throw invalid(`It was announced with ${announced} bytes, but by its manifest it has ${size}.`);
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
    `${maxAtOnce} liferafts are being received, which is the maximum. Send this one later.`,
    { retryAfterSeconds: 5 },
  );
}

function isNoFile(error: unknown, path: string): boolean {
  const code = systemErrorCode(error);
  // An error in the store's folder names another path. EISDIR: a folder can be opened, but not read.
  return code === 'EISDIR' || (code === 'ENOENT' && (error as NodeJS.ErrnoException).path === path);
}
