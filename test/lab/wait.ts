import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is yes.
 * @param what completes the sentence "waited for …" of the error
 * @param isSo may throw, which counts as no; the last error is told when time is up
 * @throws {Error} after `deadlineMs`
 */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  { deadlineMs = 60_000, everyMs = 200 } = {},
): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      if (await isSo()) {
        return;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= endsAt) {
      throw new Error(`waited ${deadlineMs / 1000} s for ${what}`, { cause: lastError });
    }
    await sleep(everyMs);
  }
}
