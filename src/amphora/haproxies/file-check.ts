import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { checkConfig } from '../../haproxy/check.ts';
import { replaceFile } from '../../kit/files/files.ts';
import { inMemoryFolder } from '../../kit/files/memory-files.ts';
import { rewriteFor } from '../../parsers/haproxy/rewrite.ts';
import type { AmphoraPaths } from '../paths.ts';
import { isOwnerId, placesOf } from './places.ts';
import { checkText } from './shared-files.ts';
import type { CheckParts } from './checks.ts';
import { driverText, refused, type UploadParts } from './uploads.ts';

export interface FileCheckParts extends Omit<UploadParts, 'checks'> {
  check: CheckParts;
  /** A folder in memory for what haproxy reads. */
  memory: string;
}

/**
 * Checks a haproxy.cfg in a file exactly as an upload does, and changes nothing on the disk.
 * Faults: `haproxy_config_refused`, those of checkConfig. Throws the error of the system if there is no such file
 */
export async function checkFile(
  { paths, check: { run, ...how }, version, memory }: FileCheckParts,
  path: string,
): Promise<void> {
  const bytes = await readFile(path);
  const id = ownerIn(bytes.toString('utf8'), paths) ?? ownerOfFolder(path, paths);
  if (id === undefined) {
    throw refused(
      `The file does not say whose it is. It needs the line 'stats socket ${paths.base}/ID.sock mode 0666 level user'.`,
    );
  }
  const host = { version: await version(), stateFile: placesOf(paths, id).serversState };
  const text = rewriteFor(driverText(bytes, { ...paths, id }), host);
  const reasons = await inMemoryFolder(memory, async (folder) => {
    const file = join(folder, 'haproxy.cfg');
    const overrides = join(folder, 'check.cfg');
    await replaceFile(file, text, 0o600);
    await replaceFile(overrides, checkText, 0o600);
    return checkConfig(run, { ...how, file, overrides, text });
  });
  if (reasons !== undefined) throw refused(reasons);
}

/** The owner by the path of its stats socket. */
function ownerIn(text: string, { base }: Pick<AmphoraPaths, 'base'>): string | undefined {
  const [, socket = ''] = /^[ \t]*stats[ \t]+socket[ \t]+(\S+)/m.exec(text) ?? [];
  const id = basename(socket, '.sock');
  return isOwnerId(id) && socket === join(base, `${id}.sock`) ? id : undefined;
}

/** The owner of a file where uploads are. */
function ownerOfFolder(path: string, { base }: Pick<AmphoraPaths, 'base'>): string | undefined {
  const folder = dirname(resolve(path));
  const id = basename(folder);
  return dirname(folder) === resolve(base) && isOwnerId(id) ? id : undefined;
}
