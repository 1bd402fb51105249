import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { cacheEach } from '../../kit/files/cached-by-stamp.ts';
import { ifThere, namesIn } from '../../kit/files/files.ts';
import { type DriverConfig, readDriverConfig } from '../../parsers/haproxy/driver-config.ts';
import type { Owner } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import { isOwnerId, type OwnerPlaces, placesOf } from './places.ts';
import { inPlainFolder, plainFileIfThere, readPlainFile } from './plain-files.ts';

/** An owner as it is on the disk and in the process table. */
export interface OwnerView {
  owner: Owner;
  /** What was uploaded last. */
  uploaded: DriverConfig;
  /** What the process runs; the same object as `uploaded` unless another file was uploaded since. */
  running: DriverConfig;
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
  const parsed = cacheEach((path) => readConfig(paths, path), maxCached);
  const pids = cacheEach(readPid, maxCached);

  function uploadOf(id: string, uploaded: DriverConfig): OwnerUpload {
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
    const uploaded = await parsed(places.config, stampOf(config));
    if (uploaded === undefined) return undefined;
    const pid = await pids(places.pid, stampOf(started));
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

async function readConfig(paths: AmphoraPaths, path: string): Promise<DriverConfig | undefined> {
  const bytes = await readPlainFile(path);
  const id = path.split('/').at(-2) ?? '';
  return bytes && readDriverConfig(bytes.toString('utf8'), { ...paths, id });
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

/** @returns the id if it belongs to a haproxy with this configuration: ids of processes are used again */
async function masterOf(pid: number, { config }: OwnerPlaces): Promise<number | undefined> {
  // This file waits for the memory of its process, which may hang. ESRCH: the process ended while its file was open.
  const argv = await ifThere(readFile(`/proc/${pid}/cmdline`, 'utf8'), ['ENOENT', 'ESRCH']);
  return argv?.split('\0').includes(config) === true ? pid : undefined;
}

export function md5Of(bytes: Buffer | string): string {
  return createHash('md5').update(bytes).digest('hex');
}
