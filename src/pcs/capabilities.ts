import { readTextIfThere } from '../kit/files/files.ts';
import type { PcsHost } from './paths.ts';
import { descendants, parseXml } from '../parsers/xml.ts';

/**
 * The capabilities of this node's pcs, as in `pcs --version --full`. They are read from the file that pcs itself reads,
 * because a start of pcs takes half a second. Empty if pcs is not installed.
 */
export async function readCapabilities({ paths }: PcsHost): Promise<ReadonlySet<string>> {
  const text = await readTextIfThere(paths.pcsCapabilities);
  if (text === undefined) return new Set();
  return new Set(
    descendants(parseXml(text), 'capability').map(({ attributes }) => attributes['id'] ?? ''),
  );
}
