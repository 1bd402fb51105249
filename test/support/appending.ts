import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Appends lines to a file all the time, as a log. @returns what ends that */
export function appending(path: string): () => Promise<void> {
  const over = new AbortController();
  const running = (async () => {
    while (!over.signal.aborted) {
      await appendFile(path, 'line\n');
      await delay(2);
    }
  })();
  return () => {
    over.abort();
    return running;
  };
}
