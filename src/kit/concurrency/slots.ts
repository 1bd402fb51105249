/** Lets a bounded number of works run at once. The others wait in the order in which they came. */
export interface Slots {
  /**
   * @param work begins when a slot is free
   * @param signal ends the waiting with its reason. Work that has begun is not its business.
   * @throws {SlotsFull} if too many wait already
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Thrown when there is no room to wait. */
export class SlotsFull extends Error {
  override readonly name = 'SlotsFull';
}

/**
 * @param count how many may run at once
 * @param maxWaiting how many may wait
 */
export function makeSlots(count: number, maxWaiting: number): Slots {
  const waiting = new Set<() => void>();
  let running = 0;

  async function turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (running < count) {
      running += 1;
      return;
    }
    if (waiting.size >= maxWaiting) throw new SlotsFull(`${maxWaiting} wait already`);
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        waiting.delete(begin);
        reject(signal?.reason as Error);
      };
      const begin = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      waiting.add(begin);
    });
  }

  function release(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    // The slot is handed on, so that nobody who comes later takes it.
    waiting.delete(next);
    next();
  }

  return {
    async run(work, signal) {
      await turn(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
