import type { Stats } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { namesIn, statIfThere } from '../../kit/files/files.ts';
import { isSameContent } from '../../kit/files/unchanged.ts';
import { openLiferaft, readLaterHead } from '../format/liferaft-file.ts';
import { isWhole, type Manifest } from '../format/manifest.ts';
import { damagedName, liferaftName, namePartsOf } from '../format/names.ts';
import { type Generation, generationsToKeep, type Retention } from './retention.ts';

/** Identifies a liferaft. */
export interface Held {
  digest: string;
  lineage: string;
  generation: number;
}

/** What is known of a liferaft that can be read. */
interface HeldHere extends Held {
  /** Whether it has all essential files. */
  isWhole: boolean;
}

/** A stored liferaft that can be read. */
interface StoredGeneration extends Held, Generation {
  name: string;
}

/** The liferafts in a folder: the latest of each host, and its former ones. */
export interface StoredGenerations {
  /** Returns the latest of a host; undefined if there is none, or it cannot be read. */
  latest(hostId: string): Promise<Held | undefined>;
  /** Returns all of a host that can be read. */
  all(hostId: string): Promise<StoredGeneration[]>;
  /** Gives the latest a second name, as a former one. Its first name stays until a new one takes it. */
  putLatestAside(hostId: string): Promise<void>;
  /** Removes what the retention does not keep, and what cannot be read. */
  prune(hostId: string): Promise<void>;
}

export function openGenerations(folder: string, retention: Retention): StoredGenerations {
  // Files here are only replaced, never written to. So each is read once.
  const alreadyRead = new Map<string, { stats: Stats; held: HeldHere | undefined }>();

  async function heldIn(name: string, hostId: string): Promise<HeldHere | undefined> {
    const stats = await statIfThere(join(folder, name));
    if (stats === undefined) {
      alreadyRead.delete(name);
      return undefined;
    }
    const known = alreadyRead.get(name);
    if (known && isSameContent(known.stats, stats)) return known.held;
    const held = await readHeld(join(folder, name), hostId);
    alreadyRead.set(name, { stats, held });
    return held;
  }

  async function namesOf(hostId: string): Promise<string[]> {
    return (await namesIn(folder)).filter((name) => namePartsOf(name)?.hostId === hostId);
  }

  async function storedOf(hostId: string): Promise<StoredGeneration[]> {
    const stored = [];
    for (const name of await namesOf(hostId)) {
      const held = await heldIn(name, hostId);
      const stats = await statIfThere(join(folder, name));
      if (held === undefined || stats === undefined) continue;
      const isLatest = name === liferaftName(hostId);
      stored.push({ name, ...held, isLatest, until: stats.mtime });
    }
    return stored;
  }

  async function putLatestAside(hostId: string): Promise<void> {
    const name = liferaftName(hostId);
    if ((await statIfThere(join(folder, name))) === undefined) return;
    const held = await heldIn(name, hostId);
    if (held === undefined) {
      await rename(join(folder, name), join(folder, damagedName(hostId)));
      return;
    }
    const aside = join(folder, await nameAside(hostId, held));
    await rm(aside, { force: true });
    await link(join(folder, name), aside);
  }

  /** A name may be taken by a former lineage, such as the last state before the host was rebuilt, which stays. */
  async function nameAside(hostId: string, { generation, digest }: Held): Promise<string> {
    for (let number = generation; ; number += 1) {
      const name = liferaftName(hostId, number);
      const there = await heldIn(name, hostId);
      // The latest itself has that name if a former call was killed before the replacement.
      if (there === undefined || there.digest === digest) return name;
    }
  }

  async function prune(hostId: string): Promise<void> {
    const names = await namesOf(hostId);
    const stored = await storedOf(hostId);
    const toKeep = generationsToKeep(stored, retention, new Date());
    const stay = new Set([liferaftName(hostId), ...[...toKeep].map(({ name }) => name)]);
    for (const name of names.filter((each) => !stay.has(each))) {
      await rm(join(folder, name), { force: true });
      alreadyRead.delete(name);
    }
  }

  return {
    latest: (hostId) => heldIn(liferaftName(hostId), hostId),
    all: storedOf,
    putLatestAside,
    prune,
  };
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
    // A later version took it in. It is valid again once that version is installed again.
    const head = await readLaterHead(path);
    if (head?.host.id !== hostId) return undefined;
    const { digest, lineage, generation } = head;
    // It is not known whether this one is whole, so the last one that is known to be whole stays, too.
    return { digest, lineage, generation, isWhole: false };
  }
}

export function heldOf({ digest, manifest }: { digest: string; manifest: Manifest }): Held {
  return { digest, lineage: manifest.lineage, generation: manifest.generation };
}
