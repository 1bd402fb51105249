import { namesIn } from '../../kit/files/files.ts';
import { Fault } from '../../kit/fault.ts';
import type { AmphoraPaths } from '../paths.ts';
import type { Actions } from './actions.ts';
import { placesOf } from './places.ts';
import { inPlainFolder, removePlainFile, replacePlainFile } from './plain-files.ts';
import { join } from 'node:path';

export interface RemovalParts {
  paths: AmphoraPaths;
  actions: Actions;
  certificates: { removeAll: (id: string) => Promise<void> };
}

/**
 * Stops an owner and removes all its files: configuration last, so that a repeated call after a crash finds the owner and
 * goes on. Calls for one owner must not overlap.
 * Faults: `haproxy_not_stopped`
 */
export async function removeOwner(parts: RemovalParts, id: string): Promise<void> {
  const { paths, actions, certificates } = parts;
  const places = placesOf(paths, id);
  await actions.act(id, 'stop');
  await noteDeletion(places.deleting);
  await certificates.removeAll(id);
  await removePlainFile(places.statsSocket);
  await emptyFolder(places.folder, ['haproxy.cfg', 'deleting']);
  await removePlainFile(places.folder);
}

/**
 * Removes what uploads have left of an owner that has no configuration: certificates come before the first one, and a
 * refused one stays. Nobody else would remove them. Calls for one owner must not overlap.
 */
export async function removeRemains(
  { paths, certificates }: Pick<RemovalParts, 'paths' | 'certificates'>,
  id: string,
): Promise<void> {
  const { folder } = placesOf(paths, id);
  await certificates.removeAll(id);
  await emptyFolder(folder, []);
  await removePlainFile(folder);
}

/** A full disk must not prevent the deletion: the note only lets the next start finish it. */
async function noteDeletion(path: string): Promise<void> {
  try {
    await replacePlainFile(path, '', 0o600);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** Removes what a folder holds; links in it are removed and not followed. */
export async function emptyFolder(path: string, except: readonly string[]): Promise<void> {
  await inPlainFolder(path, async (folder) => {
    for (const name of await namesIn(folder)) {
      if (!except.includes(name)) await removePlainFile(join(path, name));
    }
  });
}
