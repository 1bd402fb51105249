import type { Readable } from 'node:stream';

const gatheredBytes = 1024 * 1024;

/**
 * Gathers what a stream gives in small pieces, and hands it on in large ones, in buffers that are used again and again:
 * a buffer for each piece would have to be collected as garbage, which takes longer than to copy it. Whoever ends before
 * the stream does leaves the rest of it to be read and thrown away.
 * @returns buffers, each of which stays as it is until the second after it is asked for
 */
export async function* gatherReads(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  // One is filled, while the two that were handed out last are in use.
  const spare: Buffer[] = [0, 1, 2].map(() => Buffer.allocUnsafe(gatheredBytes));
  const full: Buffer[] = [];
  const handedOut: Buffer[] = [];
  let filling = spare.pop();
  let filled = 0;
  /** What came when no buffer was left. */
  let rest: Buffer | undefined;
  let ended: { error?: Error } | undefined;
  let wake: () => void = () => undefined;

  function take(chunk: Buffer): void {
    let left = chunk;
    while (left.length > 0 && filling !== undefined) {
      const copied = left.copy(filling, filled);
      filled += copied;
      left = left.subarray(copied);
      if (filled < filling.length) continue;
      full.push(filling);
      filling = spare.pop();
      filled = 0;
      wake();
    }
    rest = left.length > 0 ? left : undefined;
    if (filling === undefined) stream.pause();
  }

  function giveBack(buffer: Buffer): void {
    if (filling !== undefined) {
      spare.push(buffer);
      return;
    }
    filling = buffer;
    if (rest) take(rest);
    if (rest === undefined) stream.resume();
  }

  const onEnd = () => {
    ended ??= {};
    wake();
  };
  const onError = (error: Error) => {
    ended ??= { error };
    wake();
  };
  const onClose = () => {
    onError(new Error('The stream was closed before its end.'));
  };

  stream.on('data', take).once('end', onEnd).once('error', onError).once('close', onClose);
  // Who was gone before anybody listened says nothing more.
  if (stream.destroyed) onClose();
  try {
    for (;;) {
      const next = full.shift();
      if (next !== undefined) {
        handedOut.push(next);
        yield next;
        const free = handedOut.length > 1 ? handedOut.shift() : undefined;
        if (free) giveBack(free);
      } else if (ended?.error) {
        throw ended.error;
      } else if (ended) {
        if (filling !== undefined && filled > 0) yield filling.subarray(0, filled);
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    stream.off('data', take).off('end', onEnd).off('close', onClose);
    stream.resume();
  }
}
