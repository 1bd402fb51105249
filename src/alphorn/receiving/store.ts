import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { namesIn, removeFile } from '../../kit/files/files.ts';
import { type LiferaftFile, openLiferaft } from '../format/liferaft-file.ts';
import { isWhole } from '../format/manifest.ts';
import { damagedName, isLiferaftName, namePartsOf } from '../format/names.ts';
import { senderFileName } from './clones.ts';
import { removePartials } from './partial.ts';
import { type LiferaftReceiver, makeReceiver, type ReceiverLimits } from './receiver.ts';

/** A liferaft of another host that is stored here. */
export interface StoredLiferaft {
  /** `liferaft_HOSTID.tar`; for one that was replaced, `liferaft_HOSTID.GENERATION.tar`. */
  name: string;
  host: { id: string; name: string };
  generation: number;
  /** Whether it is the latest of its host. */
  current: boolean;
  /** Whether it has all essential files. */
  whole: boolean;
  digest: string;
  /** Bytes. */
  size: number;
  /** When its host made it, ISO 8601 in UTC. */
  madeAt: string;
  /** When its host last confirmed it, ISO 8601 in UTC; for a former one, at the latest when it was replaced. */
  seenAt: string;
}

/** A liferaft that cannot be read. It is listed so that it can be deleted. */
export interface DamagedLiferaft {
  name: string;
  damaged: string;
}

/** A liferaft that a later version took in. It is sound as far as this version can tell. */
export interface LaterLiferaft {
  name: string;
  /** Says that it is of a later version, and what to do. */
  laterFormat: string;
}

export type ListedLiferaft = StoredLiferaft | DamagedLiferaft | LaterLiferaft;

/** The liferafts of other hosts on this one: a file each, in a folder that only root may enter. */
export interface LiferaftStore extends LiferaftReceiver {
  /** Lists them in the order of their names; a host's latest comes before its former ones. */
  list(): Promise<ListedLiferaft[]>;
  /** Faults: `liferaft_not_found`, `liferaft_damaged`, `liferaft_of_later_format` */
  open(name: string): Promise<LiferaftFile>;
  /** Faults: `liferaft_not_found` */
  remove(name: string): Promise<void>;
  /** Removes all of them, including former ones. @returns their names */
  removeAll(): Promise<string[]>;
}

/** @param folder may be missing */
export function openStore(folder: string, limits: ReceiverLimits): LiferaftStore {
  async function names(): Promise<string[]> {
    return (await namesIn(folder)).filter(isLiferaftName).sort(byName);
  }

  async function open(name: string): Promise<LiferaftFile> {
    const parts = namePartsOf(name);
    const file = parts && (await openLiferaft(join(folder, name), parts.hostId));
    if (file === undefined) throw notFound(name);
    return file;
  }

  async function describe(name: string): Promise<ListedLiferaft> {
    try {
      const file = await open(name);
      await file.close();
      const { manifest, digest, size, seenAt } = file;
      return {
        name,
        host: manifest.host,
        generation: manifest.generation,
        current: namePartsOf(name)?.generation === undefined,
        whole: isWhole(manifest),
        digest,
        size,
        madeAt: manifest.time,
        seenAt: seenAt.toISOString(),
      };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error.code === 'liferaft_of_later_format'
        ? { name, laterFormat: error.message }
        : { name, damaged: error.message };
    }
  }

  return {
    ...makeReceiver(folder, limits),
    async list() {
      const listed = [];
      for (const name of await names()) listed.push(await describe(name));
      return listed;
    },
    open,
    async remove(name) {
      if (!isLiferaftName(name)) throw notFound(name);
      try {
        await removeFile(join(folder, name));
        const { hostId = '', generation } = namePartsOf(name) ?? {};
        if (generation === undefined) await removePartials(folder, hostId);
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') throw notFound(name);
        throw error;
      }
    },
    async removeAll() {
      const removed = await names();
      const hosts = new Set(removed.flatMap((name) => namePartsOf(name)?.hostId ?? []));
      const aside = [...hosts].flatMap((id) => [damagedName(id), senderFileName(id)]);
      for (const name of [...removed, ...aside]) await rm(join(folder, name), { force: true });
      for (const hostId of hosts) await removePartials(folder, hostId);
      return removed;
    },
  };
}

function notFound(name: string): Fault {
  return new Fault(
    'liferaft_not_found',
    `There is no liferaft ${name} here. The list of liferafts ('hactl alphorn list') shows which are.`,
  );
}

/** Sorts `liferaft_1234abcd.tar` before `liferaft_1234abcd.7.tar`, and that before `liferaft_1234abcd.6.tar`. */
function byName(a: string, b: string): number {
  const [partsA, partsB] = [namePartsOf(a), namePartsOf(b)];
  if (partsA?.hostId !== partsB?.hostId) return a < b ? -1 : 1;
  const generationA = partsA?.generation ?? Infinity;
  const generationB = partsB?.generation ?? Infinity;
  return generationA === generationB ? 0 : generationB - generationA;
}
