import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { cacheEach } from '../../kit/files/cached-by-stamp.ts';
import { ifThere, namesIn } from '../../kit/files/files.ts';
import { processStart } from '../../kit/process-start.ts';
import { readDriverModel } from '../../parsers/haproxy/driver-config.ts';
import type { DriverModel } from '../../parsers/haproxy/model.ts';
import type { Owner } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import { isOwnerId, type OwnerPlaces, placesOf } from './places.ts';
import { inPlainFolder, plainFileIfThere, readPlainFile } from './plain-files.ts';

/** An owner as it is on the disk and in the process table. */
export interface OwnerView {
  owner: Owner;
  /** What was uploaded last. */
  uploaded: DriverModel;
  /** What the process runs; the same object as `uploaded` unless another file was uploaded since. */
  running: DriverModel;
  /** The process id of the master; undefined if it does not run. */
  master: number | undefined;
  /** Whether a process was started and not stopped, so that it should be there. */
  hasPidFile: boolean;
}

/** An owner and what was uploaded last. */
export type OwnerUpload = Pick<OwnerView, 'owner' | 'uploaded'>;

/** Reads what is on the disk, without asking any process. */
export interface OwnerConfigs {
  /** All owners, sorted by id. Heartbeats ask for them each time, so this reads a small part of what views need. */
  uploads(): Promise<OwnerUpload[]>;
  /** The ids of all owners, sorted. */
  ids(): Promise<string[]>;
  /** @returns undefined if there is no such owner */
  view(id: string): Promise<OwnerView | undefined>;
  /** All owners, sorted by id. */
  views(): Promise<OwnerView[]>;
  /** The process id of an owner's master, if it runs. */
  master(id: string): Promise<number | undefined>;
}

/** More than a host has owners. Their configurations are in memory as long as they are the newest. */
const maxCached = 1024;

export function makeOwnerConfigs(paths: AmphoraPaths): OwnerConfigs {
  const parsed = cacheEach(readConfig, maxCached);
  const pids = cacheEach(readPid, maxCached);
  const masterOf = makeMasters();

  function uploadOf(id: string, uploaded: DriverModel): OwnerUpload {
    const isListener = uploaded.frontends.some((frontend) => frontend.id === id);
    return { owner: { kind: isListener ? 'listener' : 'loadbalancer', id }, uploaded };
  }

  async function master(id: string): Promise<number | undefined> {
    const places = placesOf(paths, id);
    const pid = await pids(places.pid, stampOf(await plainFileIfThere(places.pid)));
    return pid === undefined ? undefined : masterOf(pid, places);
  }

  async function upload(id: string): Promise<OwnerUpload | undefined> {
    const { config } = placesOf(paths, id);
    const uploaded = await parsed(config, stampOf(await plainFileIfThere(config)));
    return uploaded && uploadOf(id, uploaded);
  }

  async function view(id: string): Promise<OwnerView | undefined> {
    if (!isOwnerId(id)) return undefined;
    const places = placesOf(paths, id);
    // Readers ask for all owners at once, so each look counts.
    const [config, running, started] = await Promise.all(
      [places.config, places.running, places.pid].map(plainFileIfThere),
    );
    // A reload changes both files, and reading one takes some turns of the pool of threads.
    const [uploaded, pid] = await Promise.all([
      parsed(places.config, stampOf(config)),
      pids(places.pid, stampOf(started)),
    ]);
    if (uploaded === undefined) return undefined;
    const found = pid === undefined ? undefined : await masterOf(pid, places);
    const isOutdated = found !== undefined && runsAnother({ config, running, started });
    return {
      ...uploadOf(id, uploaded),
      // The running configuration has another name in the same folder.
      running:
        (isOutdated ? await parsed(places.running, stampOf(running)) : undefined) ?? uploaded,
      master: found,
      hasPidFile: pid !== undefined,
    };
  }

  /** What is found of each owner, in the order of their ids. */
  async function ofEach<T>(look: (id: string) => Promise<T | undefined>): Promise<T[]> {
    const names = (await namesIn(paths.base)).filter(isOwnerId).sort();
    return (await Promise.all(names.map(look))).filter((each) => each !== undefined);
  }

  return {
    uploads: () => ofEach(upload),
    ids: () => ownerIds(paths),
    view,
    views: () => ofEach(view),
    master,
  };
}

/**
 * The owners with a configuration that names a certificate, list, CA or CRL which is not there. They are in memory, so a
 * reboot loses them.
 * @returns their ids, in the same order
 */
export async function ownersWithoutCertificates(owners: readonly OwnerUpload[]): Promise<string[]> {
  const lacks = await Promise.all(
    owners.map(async ({ uploaded }) => {
      const found = await Promise.all(uploaded.certificates.map(isThere));
      return found.includes(false);
    }),
  );
  return owners.filter((_, index) => lacks[index]).map(({ owner }) => owner.id);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function stampOf(found: Stats | undefined): string {
  // The time is that of the last tick, so it may be the same before and after a write.
  return found ? `${found.ino}:${found.ctimeMs}:${found.size}` : 'none';
}

async function readConfig(path: string): Promise<DriverModel | undefined> {
  const bytes = await readPlainFile(path);
  return bytes && readDriverModel(bytes.toString('utf8'));
}

async function ownerIds(paths: AmphoraPaths): Promise<string[]> {
  const names = (await namesIn(paths.base)).filter(isOwnerId).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const isOwner = await inPlainFolder(join(paths.base, name), (folder) =>
        plainFileIfThere(join(folder, 'haproxy.cfg')),
      );
      return isOwner ? [name] : [];
    }),
  );
  return found.flat();
}

/**
 * Whether the process runs another file than the one that was uploaded last. `running.cfg` is a second name of the file
 * that was last known to be in use. haproxy writes its pid file each time it has taken on a configuration, so a newer one
 * says that systemd or somebody else has made it read `haproxy.cfg` since.
 */
function runsAnother(files: Record<'config' | 'running' | 'started', Stats | undefined>): boolean {
  const { config, running, started } = files;
  if (!config || !running || config.ino === running.ino) return false;
  return started !== undefined && started.mtimeMs < config.ctimeMs;
}

async function readPid(path: string): Promise<number | undefined> {
  const text = (await readPlainFile(path))?.toString('utf8');
  const first = /^(\d{1,10})\n/.exec(text ?? '')?.[1];
  return first === undefined ? undefined : Number(first);
}

/**
 * Tells whether a process is the haproxy of an owner: ids of processes are used again. Only its command line says so, and
 * reading that waits for the memory of the process, which takes tens of milliseconds in a reload. So a process is asked
 * once.
 */
function makeMasters(): (pid: number, places: OwnerPlaces) => Promise<number | undefined> {
  /** The process that was found for a configuration. */
  const known = new Map<string, string>();
  return async (pid, { config }) => {
    const start = await processStart(pid);
    if (start === undefined) return undefined;
    const process = `${pid} ${start}`;
    if (known.get(config) === process) return pid;
    // ESRCH: the process ended while its file was open.
    const argv = await ifThere(readFile(`/proc/${pid}/cmdline`, 'utf8'), ['ENOENT', 'ESRCH']);
    if (argv?.split('\0').includes(config) !== true) return undefined;
    if (known.size >= maxCached) known.clear();
    known.set(config, process);
    return pid;
  };
}

export function md5Of(bytes: Buffer | string): string {
  return createHash('md5').update(bytes).digest('hex');
}
