import type { FileHandle } from 'node:fs/promises';

/** Writes a file from its beginning. */
export interface GatheredWrites {
  /** @returns a promise if the caller has to wait until there is room for more */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Waits until all of it is written. */
  end(): Promise<void>;
}

export const gatheredBytes = 1024 * 1024;
/** However small the pieces are, that many are kept at most. */
const mostPieces = 256;

/**
 * Gathers pieces and writes them in large ones, while the caller makes the next. It keeps two megabytes at most. A buffer
 * of `gatheredBytes` may be used again when it has taken another one after it, a smaller one never.
 */
export function gatherWrites(file: FileHandle): GatheredWrites {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let underWay = Promise.resolve();

  async function next(): Promise<void> {
    await underWay;
    const gathered = pieces;
    pieces = [];
    bytes = 0;
    underWay = writeAll(file, gathered);
    // Whoever waits next is told.
    underWay.catch(() => undefined);
  }

  return {
    write(chunk) {
      pieces.push(chunk);
      bytes += chunk.length;
      return bytes >= gatheredBytes || pieces.length >= mostPieces ? next() : undefined;
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
    // A disk that is nearly full takes a part, and says so the next time.
    const left = rest.findIndex(({ length }) => {
      if (bytesWritten < length) return true;
      bytesWritten -= length;
      return false;
    });
    rest =
      left === -1 ? [] : [(rest[left] as Buffer).subarray(bytesWritten), ...rest.slice(left + 1)];
  }
}
