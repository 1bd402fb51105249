import { Fault } from '../../kit/fault.ts';
import { isProcessLockHeld, withProcessLock } from '../../kit/concurrency/process-lock.ts';

/**
 * Lets one process at a time restore.
 * @param folder that is there
 * Faults: `restore_busy`, `no_space`, those of the work
 */
export function withRestoreLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  return withProcessLock(folder, 'lock', busy, work);
}

/** Whether a process restores at this moment, or takes a restore back. */
export function isRestoring(folder: string): Promise<boolean> {
  return isProcessLockHeld(folder, 'lock');
}

function busy(): Fault {
  return new Fault(
    'restore_busy',
    'Another restore is under way on this host, through the agent or by hactl. Nothing was done; ask again when it is over.',
  );
}
