import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import { ifThere, lstatIfThere, namesIn, removeFile, replaceFile } from '../../kit/files/files.ts';
import { parseMountinfo } from '../../parsers/mountinfo.ts';
import { isPemName } from '../../parsers/pem.ts';
import type { Haproxies } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import { inFolder, makeFolderIn, readPlainFile, removeFolderIn } from './held-folder.ts';
import { readTenantFile, type TenantFile } from './kinds.ts';

/** A file of an owner, as a status shows it. */
export interface StoredCertificate {
  owner: string;
  file: string;
  /** `unreadable` if it is not what an upload accepts, such as a file that somebody else wrote. */
  kind: TenantFile['kind'] | 'unreadable';
  /** When the first of its certificates expires. */
  expires: Date | undefined;
}

export interface CertificateStore {
  upload: Haproxies['certificates']['upload'];
  md5: Haproxies['certificates']['md5'];
  remove: Haproxies['certificates']['remove'];
  /** The files of an owner with their MD5, in the order of their names. */
  sumsOf(id: string): Promise<readonly { file: string; md5: string }[]>;
  /** The owners with a folder, in their order. */
  owners(): Promise<readonly string[]>;
  /** Removes an owner's folder with all files in it. It need not exist. */
  removeAll(id: string): Promise<void>;
  /** All files of all owners, in the order of owners and files. */
  list(): Promise<readonly StoredCertificate[]>;
}

interface Parts {
  paths: Pick<AmphoraPaths, 'certificates'>;
  /** Whether a folder is in memory. See isOnMemoryFileSystem. */
  isInMemory: (folder: string) => Promise<boolean>;
}

/**
 * The certificates and keys of tenants: `CERTIFICATES/ID/FILE`, mode 0600, in folders of mode 0700. A file is replaced
 * whole, and no link is followed. An owner need not exist, because the drivers upload its certificates first.
 */
export function makeCertificateStore({ paths, isInMemory }: Parts): CertificateStore {
  const base = paths.certificates;
  const oneByOne = makeSerializer();

  const read = async (owner: string, file: string): Promise<Buffer | undefined> => {
    checkNames(owner, file);
    return inFolder(base, owner, (folder) => readPlainFile(folder.at(file)));
  };

  const owners = async () => (await namesIn(base)).filter(isOwnerId).sort();

  const described = async (owner: string, file: string): Promise<StoredCertificate[]> => {
    const bytes = await read(owner, file);
    if (!bytes) return [];
    try {
      const found = readTenantFile(file, bytes, join(base, owner));
      return [{ owner, file, kind: found.kind, expires: expiryOf(found) }];
    } catch (error) {
      if (error instanceof Fault) return [{ owner, file, kind: 'unreadable', expires: undefined }];
      throw error;
    }
  };

  return {
    upload: async ({ id }, file, bytes) => {
      checkNames(id, file);
      readTenantFile(file, bytes, join(base, id));
      return oneByOne(async () => {
        if (!(await isInMemory(base))) throw notInMemory(base);
        await makeFolderIn(base, id);
        await inFolder(base, id, (folder) => replaceFile(folder.at(file), bytes, 0o600));
        return { md5: md5Of(bytes) };
      });
    },

    md5: async (owner, file) => {
      const bytes = await read(owner.id, file);
      if (bytes) return md5Of(bytes);
      throw notFound(file);
    },

    remove: (owner, file) =>
      oneByOne(async () => {
        if (!(await read(owner.id, file))) throw notFound(file);
        await inFolder(base, owner.id, (folder) => removeFile(folder.at(file)));
      }),

    removeAll: (id) =>
      oneByOne(async () => {
        checkNames(id, 'all.pem');
        await removeFolderIn(base, id);
      }),

    sumsOf: async (id) => {
      checkNames(id, 'all.pem');
      const folder = join(base, id);
      if ((await lstatIfThere(folder))?.isDirectory() !== true) return [];
      const files = (await namesIn(folder)).filter(isPemName).sort();
      const sums = files.map(async (file) => {
        const bytes = await read(id, file);
        return bytes ? [{ file, md5: md5Of(bytes) }] : [];
      });
      return (await Promise.all(sums)).flat();
    },

    owners,

    list: async () => {
      const all: StoredCertificate[] = [];
      for (const owner of await owners()) {
        if ((await lstatIfThere(join(base, owner)))?.isDirectory() !== true) continue;
        const files = (await namesIn(join(base, owner))).filter(isPemName).sort();
        for (const file of files) all.push(...(await described(owner, file)));
      }
      return all;
    },
  };
}

/**
 * Whether a folder is on a file system in memory, tmpfs or ramfs (proc_pid_mountinfo(5)). A folder that does not exist is
 * not.
 */
export async function isOnMemoryFileSystem(folder: string): Promise<boolean> {
  const path = await ifThere(realpath(folder));
  if (path === undefined) return false;
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  const around = mounts.filter(
    (mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`),
  );
  const nearest = around.reduce<(typeof mounts)[number] | undefined>(
    (best, each) => (best && best.path.length > each.path.length ? best : each),
    undefined,
  );
  return nearest?.type === 'tmpfs' || nearest?.type === 'ramfs';
}

function expiryOf(found: TenantFile): Date | undefined {
  const certificates =
    found.kind === 'server certificate'
      ? [found.certificate, ...found.chain]
      : found.kind === 'ca'
        ? found.certificates
        : [];
  const ends = certificates.map(({ validToDate }) => validToDate.getTime());
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

function isOwnerId(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id);
}

/** A second line of defence: the routes check both. */
function checkNames(id: string, file: string): void {
  if (isOwnerId(id) && isPemName(file)) return;
  throw new Fault(
    'amphora_request_invalid',
    "The id of an owner has up to 64 letters, digits, '-' and '_'. The name of a certificate ends in '.pem', and has letters, digits, '.', '-' and '_'.",
  );
}

/** Not for security: the documents want it. */
function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function notFound(file: string): Fault {
  // The words of the documents.
  return new Fault('certificate_not_found', `No certificate with file name: ${file}`);
}

function notInMemory(base: string): Fault {
  return new Fault(
    'certificates_not_in_memory',
    `${base} is not on a file system in memory, and private keys must not be stored on a disk. Mount a tmpfs there, then try again.`,
  );
}
