import { readTextIfThere } from '../files.ts';
import type { Host } from '../host.ts';
import { type CorosyncSection, parseCorosyncConf } from '../parsers/corosync-conf.ts';

/** corosync.conf as it stands on this node, or undefined if there is none. */
export async function readCorosyncConf({ paths }: Host): Promise<CorosyncSection | undefined> {
  const text = await readTextIfThere(paths.corosyncConf);
  return text === undefined ? undefined : parseCorosyncConf(text);
}
