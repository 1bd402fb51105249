import { readFileSync } from 'node:fs';

import { systemErrorCode } from '../fault.ts';

/** ESRCH: the process has ended. ENODEV: the control group has been removed. */
const isGone = ['ENOENT', 'ESRCH', 'ENODEV'];

/**
 * The text of a file that the kernel makes when it is read, in /proc or /sys. It waits for no disk and takes some
 * microseconds, so a turn through the pool of threads would cost more than the read. On a busy host each turn takes
 * milliseconds. Not for /proc/PID/cmdline, which waits for the memory of its process.
 * @returns undefined if there is none
 */
export function kernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone.includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
