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

/** Which liferaft it is. */
export interface Held {
  digest: string;
  lineage: string;
  generation: number;
}

/** What is known of one that can be read. */
interface HeldHere extends Held {
  /** Whether all is in it that its host cannot be brought back without. */
  isWhole: boolean;
}

/** One that can be read. */
interface StoredGeneration extends Held, Generation {
  name: string;
}

/** The liferafts of hosts in a folder: the latest of each, and its former ones. */
export interface StoredGenerations {
  /** The latest of a host; undefined if there is none, or it cannot be read. */
  latest(hostId: string): Promise<Held | undefined>;
  /** All of a host that can be read. */
  all(hostId: string): Promise<StoredGeneration[]>;
  /** Gives the latest a second name, that of a former one. The latest keeps its name until the new one has it. */
  putLatestAside(hostId: string): Promise<void>;
  /** Leaves those that are to be kept, and removes what cannot be read. */
  prune(hostId: string): Promise<void>;
}

export function openGenerations(folder: string, retention: Retention): StoredGenerations {
  // No file here is written to, so one is read once.
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

  /** One of its number may be of a former lineage: the last state of the host before it was rebuilt, say, which stays. */
  async function nameAside(hostId: string, { generation, digest }: Held): Promise<string> {
    for (let number = generation; ; number += 1) {
      const name = liferaftName(hostId, number);
      const there = await heldIn(name, hostId);
      // The latest itself has that name when a kill came before it was replaced.
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
    // It was taken in by a later version, and is as good as any for who installs that one again.
    const head = await readLaterHead(path);
    if (head?.host.id !== hostId) return undefined;
    const { digest, lineage, generation } = head;
    // That cannot be told, and the last one that is known to be whole stays then.
    return { digest, lineage, generation, isWhole: false };
  }
}

export function heldOf({ digest, manifest }: { digest: string; manifest: Manifest }): Held {
  return { digest, lineage: manifest.lineage, generation: manifest.generation };
}
