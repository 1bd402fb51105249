import { createHash } from 'node:crypto';

import {
  endOfArchive,
  entryHeader,
  entryName,
  manifestName,
  padding,
} from '../../src/alphorn/archive.ts';
import {
  byPath,
  digestOf,
  type Manifest,
  manifestBytes,
  parentsOf,
} from '../../src/alphorn/manifest.ts';

/** What a test says of a liferaft; the rest is as that of any host. */
export interface Described {
  hostId?: string;
  lineage?: string;
  generation?: number;
  /** Content by path. */
  files?: Readonly<Record<string, string | Buffer>>;
  /** Target by path. */
  links?: Readonly<Record<string, string>>;
}

export interface MadeLiferaft {
  manifest: Manifest;
  digest: string;
  bytes: Buffer;
}

export const someHost = '5e7638bc';
export const someLineage = '0123456789abcdef0123456789abcdef';

const owner = { uid: 0, gid: 0, user: 'root', group: 'root' };

export function manifestOf({
  hostId = someHost,
  lineage = someLineage,
  generation = 1,
  files = { '/etc/hostname': 'node-a\n' },
  links = {},
}: Described): Manifest {
  const paths = [...Object.keys(files), ...Object.keys(links)];
  return {
    format: 1,
    host: { id: hostId, name: 'node-a' },
    lineage,
    generation,
    time: '2026-01-02T03:04:05.678Z',
    folders: [...new Set(paths.flatMap(parentsOf))]
      .map((path) => ({ path, mode: 0o755, ...owner }))
      .sort(byPath),
    files: Object.entries(files)
      .map(([path, content]) => ({
        path,
        size: Buffer.byteLength(content),
        sha256: createHash('sha256').update(content).digest('hex'),
        mode: 0o644,
        ...owner,
      }))
      .sort(byPath),
    links: Object.entries(links)
      .map(([path, target]) => ({ path, target, ...owner }))
      .sort(byPath),
  };
}

export function liferaftOf(described: Described = {}): MadeLiferaft {
  const manifest = manifestOf(described);
  const { files = { '/etc/hostname': 'node-a\n' } } = described;
  const entries = manifest.files.map(({ path }) =>
    entry(entryName(path), Buffer.from(files[path] ?? '')),
  );
  return archiveWith(manifest, entries);
}

/** An archive of that manifest, and of whatever comes after it. */
export function archiveWith(manifest: Manifest, entries: readonly Buffer[]): MadeLiferaft {
  const raw = manifestBytes(manifest);
  return { manifest, digest: digestOf(raw), bytes: archiveOf(raw, entries) };
}

/** The same of a manifest that may be no manifest. */
export function archiveOf(manifestRaw: Buffer, entries: readonly Buffer[]): Buffer {
  return Buffer.concat([entry(manifestName, manifestRaw), ...entries, endOfArchive]);
}

export function entry(name: string, content: Buffer): Buffer {
  return Buffer.concat([entryHeader(name, content.length), content, padding(content.length)]);
}

/** As a connection hands it over. */
export async function* inPieces(bytes: Buffer, size = 16_384): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += size) {
    yield Buffer.from(bytes.subarray(at, at + size));
    await Promise.resolve();
  }
}
