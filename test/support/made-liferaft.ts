import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  endOfArchive,
  entryHeader,
  entryName,
  manifestName,
  padding,
} from '../../src/alphorn/archive.ts';
import { byPath, type Manifest, manifestBytes, type Owned } from '../../src/alphorn/manifest.ts';

/** Owner and mode of what nothing is said of. */
const owner = { uid: 0, gid: 0, user: 'root', group: 'root' };
const owned: Owned = { mode: 0o644, ...owner };

/** What is to be in a liferaft, by path. */
export interface Content {
  files?: Readonly<Record<string, { text: string } & Partial<Owned>>>;
  links?: Readonly<Record<string, { target: string } & Partial<Omit<Owned, 'mode'>>>>;
  folders?: Readonly<Record<string, Partial<Owned>>>;
  host?: Manifest['host'];
  generation?: number;
}

/** A sound liferaft with that in it, as the host would have sent it. */
export function madeLiferaft(content: Content): { manifest: Manifest; bytes: Buffer } {
  const files = Object.entries(content.files ?? {}).map(([path, { text, ...more }]) => ({
    ...{ path, size: Buffer.byteLength(text), sha256: digestOf(text), ...owned, ...more },
  }));
  const links = Object.entries(content.links ?? {}).map(([path, link]) => ({
    ...{ path, ...owner, ...link },
  }));
  const folders = Object.entries(content.folders ?? {}).map(([path, more]) => ({
    ...{ path, ...owned, mode: 0o755, ...more },
  }));
  const manifest: Manifest = {
    format: 1,
    host: content.host ?? { id: '1234abcd', name: 'lost' },
    lineage: 'a'.repeat(32),
    generation: content.generation ?? 1,
    time: '2026-01-02T03:04:05.678Z',
    ...{ folders: folders.sort(byPath), files: files.sort(byPath), links: links.sort(byPath) },
  };
  const head = manifestBytes(manifest);
  const parts = manifest.files.flatMap(({ path, size }) => [
    entryHeader(entryName(path), size),
    Buffer.from(content.files?.[path]?.text ?? ''),
    padding(size),
  ]);
  const bytes = Buffer.concat([
    ...[entryHeader(manifestName, head.length), head, padding(head.length)],
    ...parts,
    endOfArchive,
  ]);
  return { manifest, bytes };
}

/** Puts one where those of other hosts are kept. @returns its name */
export async function storeLiferaft(folder: string, content: Content): Promise<string> {
  const { manifest, bytes } = madeLiferaft(content);
  const name = `liferaft_${manifest.host.id}.tar`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), bytes);
  return name;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
