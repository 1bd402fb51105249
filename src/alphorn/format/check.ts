import { createHash, type Hash } from 'node:crypto';

import { Header } from 'tar/header';

import { Fault } from '../../kit/fault.ts';
import {
  endOfArchive,
  entryHeader,
  entryName,
  layoutOf,
  manifestName,
  padding,
} from './archive.ts';
import { digestOf, invalid, type Manifest, parseManifest } from './manifest.ts';
import type { FileItem } from './items.ts';
import { limits } from './limits.ts';

/** What a liferaft has to be. */
export interface Expected {
  /** Of which host it is; any if nothing is said. */
  hostId?: string;
  /** Its digest; any if nothing is said. */
  digest?: string;
  /** Bytes that it may have at most. */
  maxBytes: number;
}

/** A liferaft of which every byte was looked at. */
export interface CheckedLiferaft {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
}

/** Looks at a liferaft as it comes, and says at the first byte that is wrong. */
export interface LiferaftCheck {
  /** Faults: `liferaft_invalid`, `liferaft_too_large`, `liferaft_of_another_host`, that of `onManifest` */
  write(chunk: Buffer): void;
  /** Faults: `liferaft_invalid` if something is missing. */
  end(): CheckedLiferaft;
}

/**
 * Checks a liferaft without keeping more of it than its manifest.
 * @param onManifest is told the manifest before anything of the files has been looked at; it may refuse by throwing
 */
export function makeLiferaftCheck(
  expected: Expected,
  onManifest: (manifest: Manifest, digest: string) => void = () => undefined,
): LiferaftCheck {
  /** What is being looked at. */
  let part: Part = fixedPart(Buffer.alloc(512), firstHeader);
  let checked: CheckedLiferaft | undefined;

  // The first header tells one thing that is not known before: how long the manifest is.
  function firstHeader(block: Buffer): Part {
    const size = manifestSizeOf(block);
    return fixedPart(Buffer.alloc(size + padding(size).length), (bytes) => {
      if (bytes.subarray(size).some((byte) => byte !== 0)) throw notAsItShould();
      return manifestRead(bytes.subarray(0, size));
    });
  }

  function manifestRead(bytes: Buffer): Part {
    const digest = digestOf(bytes);
    if (expected.digest !== undefined && digest !== expected.digest) {
      throw invalid('Its manifest has another digest than was said.');
    }
    const manifest = parseManifest(bytes);
    if (expected.hostId !== undefined && manifest.host.id !== expected.hostId) {
      throw new Fault(
        'liferaft_of_another_host',
        `This is the liferaft of host ${manifest.host.id}, and ${expected.hostId} sent it. A host may write its own alone; nothing was kept.`,
      );
    }
    const { size } = layoutOf(manifest);
    if (size > expected.maxBytes) throw tooLarge(size, expected.maxBytes);
    onManifest(manifest, digest);
    return fileAt(manifest, digest, size, 0);
  }

  function fileAt(manifest: Manifest, digest: string, size: number, index: number): Part {
    const file = manifest.files[index];
    if (file === undefined) {
      return expectedPart(endOfArchive, () => {
        checked = { manifest, digest, size };
        return nothingPart();
      });
    }
    const next = () => fileAt(manifest, digest, size, index + 1);
    return expectedPart(entryHeader(entryName(file.path), file.size), () =>
      contentPart(file, () => expectedPart(padding(file.size), next)),
    );
  }

  return {
    write(chunk) {
      let rest = chunk;
      while (rest.length > 0) {
        const [taken, next] = part(rest);
        rest = rest.subarray(taken);
        part = next;
      }
    },
    end() {
      if (checked === undefined) throw invalid('It ends too early.');
      return checked;
    },
  };
}

/** Looks at the beginning of what comes: how much of it it took, and who takes the rest. */
type Part = (bytes: Buffer) => readonly [taken: number, next: Part];

/** Fills a buffer that is needed as a whole. */
function fixedPart(buffer: Buffer, next: (buffer: Buffer) => Part): Part {
  let filled = 0;
  const part: Part = (bytes) => {
    const taken = bytes.copy(buffer, filled);
    filled += taken;
    return [taken, filled === buffer.length ? next(buffer) : part];
  };
  return part;
}

/** What has to stand there, byte for byte. */
function expectedPart(wanted: Buffer, next: () => Part): Part {
  if (wanted.length === 0) return next();
  let seen = 0;
  const part: Part = (bytes) => {
    const taken = Math.min(bytes.length, wanted.length - seen);
    if (bytes.compare(wanted, seen, seen + taken, 0, taken) !== 0) throw notAsItShould();
    seen += taken;
    return [taken, seen === wanted.length ? next() : part];
  };
  return part;
}

/** The content of a file, which the manifest has the digest of. */
function contentPart({ path, size, sha256 }: FileItem, next: () => Part): Part {
  const hash = createHash('sha256');
  let left = size;
  const finish = (): Part => {
    checkContent(path, hash, sha256);
    return next();
  };
  if (left === 0) return finish();
  const part: Part = (bytes) => {
    const taken = Math.min(bytes.length, left);
    hash.update(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    left -= taken;
    return [taken, left === 0 ? finish() : part];
  };
  return part;
}

function nothingPart(): Part {
  return () => {
    throw invalid('Something follows its end.');
  };
}

function checkContent(path: string, hash: Hash, sha256: string): void {
  if (hash.digest('hex') !== sha256)
    throw invalid(`${path} has another digest than in its manifest.`);
}

/** Faults: `liferaft_invalid`, also of what is no tar, such as a compressed one. */
function manifestSizeOf(block: Buffer): number {
  let size: number | undefined;
  try {
    size = new Header(block).size;
  } catch {
    // Not even a header; the comparison says so.
  }
  if (size === undefined || !Number.isSafeInteger(size) || size < 2 || size > limits.manifest) {
    throw invalid('It does not begin with a manifest.');
  }
  if (!entryHeader(manifestName, size).equals(block))
    throw invalid('It does not begin with a manifest.');
  return size;
}

function notAsItShould(): Fault {
  return invalid('What stands between its files is not what has to stand there.');
}

/** Faults of a liferaft that would be larger than is allowed. */
export function tooLarge(size: number, maxBytes: number): Fault {
  return new Fault(
    'liferaft_too_large',
    `The liferaft has ${size} bytes, and ${maxBytes} are allowed. Nothing of it was kept. Let its host carry less (/etc/alphorn/manifest.d), or raise liferaft_most_bytes here.`,
  );
}
