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

/** What a liferaft must be like. */
export interface Expected {
  /** The id of its host; any host if it is left out. */
  hostId?: string;
  /** Its digest; any if it is left out. */
  digest?: string;
  /** Max size in bytes. */
  maxBytes: number;
}

/** A liferaft whose every byte was checked. */
export interface CheckedLiferaft {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
}

/** Checks a liferaft as it arrives, and throws at the first wrong byte. */
export interface LiferaftCheck {
  /** Faults: `liferaft_invalid`, `liferaft_too_large`, `liferaft_of_another_host`, those of `onManifest` */
  write(chunk: Buffer): void;
  /** Faults: `liferaft_invalid` if something is missing. */
  end(): CheckedLiferaft;
}

/**
 * Checks a liferaft. Only its manifest is held in memory.
 * @param onManifest gets the manifest before any of the files is checked; it refuses the liferaft by throwing
 */
export function makeLiferaftCheck(
  expected: Expected,
  onManifest: (manifest: Manifest, digest: string) => void = () => undefined,
): LiferaftCheck {
  /** The part that is being checked. */
  let part: Part = fixedPart(Buffer.alloc(512), firstHeader);
  let checked: CheckedLiferaft | undefined;

  // The first header has the only unknown: the length of the manifest.
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
      throw invalid('Its manifest has another digest than was announced.');
    }
    const manifest = parseManifest(bytes);
    if (expected.hostId !== undefined && manifest.host.id !== expected.hostId) {
      throw new Fault(
        'liferaft_of_another_host',
        `This is the liferaft of host ${manifest.host.id}, but host ${expected.hostId} sent it. A host may only send its own. Nothing of it was stored.`,
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

/** Checks the beginning of some bytes. Returns how many it took, and the part that takes the rest. */
type Part = (bytes: Buffer) => readonly [taken: number, next: Part];

/** Collects bytes until a buffer is full. */
function fixedPart(buffer: Buffer, next: (buffer: Buffer) => Part): Part {
  let filled = 0;
  const part: Part = (bytes) => {
    const taken = bytes.copy(buffer, filled);
    filled += taken;
    return [taken, filled === buffer.length ? next(buffer) : part];
  };
  return part;
}

/** Expects exactly these bytes. */
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

/** Expects the content of a file; the manifest has its digest. */
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
    throw invalid('It has bytes after its end.');
  };
}

function checkContent(path: string, hash: Hash, sha256: string): void {
  if (hash.digest('hex') !== sha256)
    throw invalid(`${path} has another digest than in its manifest.`);
}

/** Faults: `liferaft_invalid`, also if the block is no header of a tar, as in a compressed one */
function manifestSizeOf(block: Buffer): number {
  let size: number | undefined;
  try {
    size = new Header(block).size;
  } catch {
    // It is not even a header. The comparison below reports that.
  }
  if (size === undefined || !Number.isSafeInteger(size) || size < 2 || size > limits.manifest) {
    throw invalid('It does not begin with a manifest.');
  }
  if (!entryHeader(manifestName, size).equals(block))
    throw invalid('It does not begin with a manifest.');
  return size;
}

function notAsItShould(): Fault {
  return invalid('The bytes between its files are not those of its format.');
}

/** A liferaft would be larger than allowed. */
export function tooLarge(size: number, maxBytes: number): Fault {
  return new Fault(
    'liferaft_too_large',
    `The liferaft has ${size} bytes, and ${maxBytes} are allowed. Nothing of it was stored. Include less on its host (/etc/alphorn/manifest.d), or raise liferaft_most_bytes here.`,
  );
}
