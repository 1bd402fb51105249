import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Keeps appending lines to a file, as to a log. @returns a function that stops this */
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
