import { setTimeout as sleep } from 'node:timers/promises';

import { setDeadline } from '../../src/kit/concurrency/deadline.ts';

/**
 * Polls a condition until it is true.
 * @param what completes the sentence "waited for …" of the error
 * @param isSo may throw, which counts as false; the last error is reported when the time is up
 * @throws {Error} after `deadlineMs`; a standstill of the machine uses up only a tenth of it
 */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  { deadlineMs = 180_000, everyMs = 200 } = {},
): Promise<void> {
  const time = { isOver: false };
  const deadline = setDeadline(deadlineMs, () => {
    time.isOver = true;
  });
  let lastError: unknown;
  for (;;) {
    try {
      if (await isSo()) {
        deadline.cancel();
        return;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (time.isOver) {
      throw new Error(`waited ${deadlineMs / 1000} s for ${what}`, { cause: lastError });
    }
    await sleep(everyMs);
  }
}
