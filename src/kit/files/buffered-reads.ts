import type { Readable } from 'node:stream';

const bufferBytes = 1024 * 1024;

/**
 * Gathers the small pieces of a stream into large ones, in buffers that are reused. With a new buffer for each piece,
 * garbage collection takes longer than copying. If the caller stops early, the rest of the stream is read and discarded.
 * @returns buffers; each stays unchanged until the second one after it is asked for
 */
export async function* bufferReads(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  // One is filled while the last two that were handed out are in use.
  const spare: Buffer[] = [0, 1, 2].map(() => Buffer.allocUnsafe(bufferBytes));
  const full: Buffer[] = [];
  const handedOut: Buffer[] = [];
  let filling = spare.pop();
  let filled = 0;
  /** What came while no buffer was free. */
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
  // A stream that was destroyed before this emits no further event.
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
