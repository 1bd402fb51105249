import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault, systemErrorCode } from '../errors.ts';
import { removeFile } from '../files.ts';
import { type LiferaftFile, openLiferaft } from './liferaft-file.ts';

/** A liferaft that another host left here. */
export interface StoredLiferaft {
  /** `liferaft_HOSTID.tar`, or `liferaft_HOSTID.GENERATION.tar` of one that was replaced. */
  name: string;
  host: { id: string; name: string };
  generation: number;
  /** Whether it is the latest of its host. */
  current: boolean;
  digest: string;
  /** Bytes. */
  size: number;
  /** When its host made it, ISO 8601 in UTC. */
  madeAt: string;
  /** When its host last said that it is still so, ISO 8601 in UTC; of a former one, when it was replaced at the latest. */
  seenAt: string;
}

/** One that cannot be read; it is listed, so that it can be deleted. */
export interface DamagedLiferaft {
  name: string;
  damaged: string;
}

/** The liferafts that others left on this host: a folder that only root may enter, a file each. */
export interface LiferaftStore {
  /** In the order of their names; a host's latest before its former ones. */
  list(): Promise<(StoredLiferaft | DamagedLiferaft)[]>;
  /** Faults: `liferaft_not_found`, `liferaft_damaged` */
  open(name: string): Promise<LiferaftFile>;
  /** Faults: `liferaft_not_found` */
  remove(name: string): Promise<void>;
  /** Removes all of them, former ones too. @returns their names */
  removeAll(): Promise<string[]>;
}

const namePattern = /^liferaft_([0-9a-f]{8})(?:\.([1-9]\d{0,15}))?\.tar$/;

/** Whether a name from outside may be that of a liferaft. */
export function isLiferaftName(name: unknown): name is string {
  return typeof name === 'string' && namePattern.test(name);
}

/** @param folder need not be there */
export function openStore(folder: string): LiferaftStore {
  async function names(): Promise<string[]> {
    const all = await readdir(folder).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    });
    return all.filter(isLiferaftName).sort(byName);
  }

  async function open(name: string): Promise<LiferaftFile> {
    const [, hostId] = namePattern.exec(name) ?? [];
    const file = hostId === undefined ? undefined : await openLiferaft(join(folder, name), hostId);
    if (file === undefined) throw notFound(name);
    return file;
  }

  async function describe(name: string): Promise<StoredLiferaft | DamagedLiferaft> {
    try {
      const file = await open(name);
      await file.close();
      const { manifest, digest, size, seenAt } = file;
      return {
        ...{ name, host: manifest.host, generation: manifest.generation },
        current: namePattern.exec(name)?.[2] === undefined,
        ...{ digest, size, madeAt: manifest.time, seenAt: seenAt.toISOString() },
      };
    } catch (error) {
      if (error instanceof Fault) return { name, damaged: error.message };
      throw error;
    }
  }

  return {
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
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') throw notFound(name);
        throw error;
      }
    },
    async removeAll() {
      const removed = await names();
      for (const name of removed) await rm(join(folder, name), { force: true });
      return removed;
    },
  };
}

function notFound(name: string): Fault {
  return new Fault(
    'liferaft_not_found',
    `There is no liferaft ${name} here. GET /api/v2/system/ha/alphorn/liferaft lists them.`,
  );
}

/** `liferaft_1234abcd.tar` before `liferaft_1234abcd.7.tar`, and that before the sixth. */
function byName(a: string, b: string): number {
  const [, hostA = '', generationA = 'Infinity'] = namePattern.exec(a) ?? [];
  const [, hostB = '', generationB = 'Infinity'] = namePattern.exec(b) ?? [];
  if (hostA !== hostB) return hostA < hostB ? -1 : 1;
  return Number(generationB) - Number(generationA) || 0;
}
