import type { FileHandle } from 'node:fs/promises';

/** Writes a file from its beginning. */
export interface BufferedWrites {
  /** @returns a promise if the caller has to wait until there is room for more */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Waits until everything is written. */
  end(): Promise<void>;
}

export const bufferBytes = 1024 * 1024;
/** Max number of pieces in memory, however small they are. */
const maxPieces = 256;

/**
 * Gathers small pieces and writes them as large ones while the caller makes the next. At most two megabytes are in memory.
 * The caller may reuse a buffer of `bufferBytes` after another such buffer was taken; a smaller one must not be reused.
 */
export function bufferWrites(file: FileHandle): BufferedWrites {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let underWay = Promise.resolve();

  async function next(): Promise<void> {
    await underWay;
    const gathered = pieces;
    pieces = [];
    bytes = 0;
    underWay = writeAll(file, gathered);
    // The next caller that waits gets the error.
    underWay.catch(() => undefined);
  }

  return {
    write(chunk) {
      pieces.push(chunk);
      bytes += chunk.length;
      return bytes >= bufferBytes || pieces.length >= maxPieces ? next() : undefined;
    },
    async end() {
      await next();
      await underWay;
    },
  };
}

async function writeAll(file: FileHandle, pieces: Buffer[]): Promise<void> {
  let rest = pieces.filter(({ length }) => length > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    // A nearly full disk takes a part, and reports the error at the next write.
    const left = rest.findIndex(({ length }) => {
      if (bytesWritten < length) return true;
      bytesWritten -= length;
      return false;
    });
    rest =
      left === -1 ? [] : [(rest[left] as Buffer).subarray(bytesWritten), ...rest.slice(left + 1)];
  }
}
