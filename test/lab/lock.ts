import { open } from 'node:fs/promises';
import { attempt } from './run.ts';

/**
 * Does work that only one process at a time may do. The lock is a file or folder that exists.
 *
 * flock(2) belongs to the open file, not to the process that asked for it: `flock` locks the file that it
 * inherits and exits, and the lock stays with this process until it closes the file or is killed. So a lock
 * never outlives its owner, and there are no stale locks.
 * @param onWait called once if another process has the lock
 * @throws {Error} if the lock does not become free within `deadlineMs`
 */
export async function withLock<T>(
  path: string,
  work: (lockFd: number) => Promise<T>,
  { deadlineMs = 120_000, onWait }: { deadlineMs?: number; onWait?: () => void } = {},
): Promise<T> {
  const file = await open(path, 'r');
  try {
    const atOnce = await attempt(['flock', '--exclusive', '--nonblock', '3'], {
      inherit: [file.fd],
    });
    if (atOnce.exitCode !== 0) {
      onWait?.();
      const wait = Math.ceil(deadlineMs / 1000).toString();
      const later = await attempt(['flock', '--exclusive', '--timeout', wait, '3'], {
        inherit: [file.fd],
        deadlineMs: deadlineMs + 5_000,
      });
      if (later.exitCode !== 0) {
        throw new Error(`${path} is still locked by another process after ${wait} s`);
      }
    }
    return await work(file.fd);
  } finally {
    await file.close();
  }
}
