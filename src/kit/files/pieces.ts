import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 256 * 1024;

export interface Pieces {
  /** Where to begin, in bytes. */
  start?: number;
  /** How many bytes at most; else all up to the file's end. */
  length?: number;
  /**
   * Filled by turns, so that a piece stays as it is until that many more were asked for. Without it, each piece stays
   * until the next is asked for.
   */
  buffers?: readonly Buffer[];
}

/** The content of a file, in pieces as long as the buffers; the last one may be shorter. Reads nothing ahead. */
export async function* readPieces(
  file: FileHandle,
  {
    start = 0,
    length = Infinity,
    buffers = [Buffer.allocUnsafe(Math.min(pieceBytes, length))],
  }: Pieces = {},
): AsyncGenerator<Buffer, void, undefined> {
  let read = 0;
  for (let turn = 0; read < length; turn = (turn + 1) % buffers.length) {
    const buffer = buffers[turn] as Buffer;
    const wanted = Math.min(buffer.length, length - read);
    const { bytesRead } = await file.read(buffer, 0, wanted, start + read);
    if (bytesRead === 0) return;
    read += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The length of a file and its SHA-256 in hexadecimal. */
export async function digestOf(file: FileHandle): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of readPieces(file)) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
