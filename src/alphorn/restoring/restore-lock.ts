import { Fault } from '../../kit/fault.ts';
import { isProcessLockHeld, withProcessLock } from '../../kit/concurrency/process-lock.ts';

/**
 * Lets only one process at a time restore.
 * @param folder an existing folder
 * Faults: `restore_busy`, `no_space`, those of the work
 */
export function withRestoreLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  return withProcessLock(folder, 'lock', busy, work);
}

/** Whether a process is restoring or undoing at this moment. */
export function isRestoring(folder: string): Promise<boolean> {
  return isProcessLockHeld(folder, 'lock');
}

function busy(): Fault {
  return new Fault(
    'restore_busy',
    'Another restore is under way on this host, through the agent or by hactl. Nothing was done. Try again when it has ended.',
  );
}
