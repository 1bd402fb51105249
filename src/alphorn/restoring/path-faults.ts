import { Fault, noSpaceOf, systemErrorCode } from '../../kit/fault.ts';

/**
 * Turns errors of the system into faults that name the path. Faults: `no_space`, `restore_failed`, those of the work
 */
export async function orFault<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof Fault || code === undefined) throw error;
    const full = noSpaceOf(error, path);
    if (full) throw full;
    // Without the paths of the call, which have a descriptor's number instead of the folder.
    const [what = code] = (error as Error).message.split(',');
    throw new Fault(
      'restore_failed',
      `The system refused to change ${path}: ${what}. Everything is as it was before. Correct that, or restore only the other paths.`,
    );
  }
}

/** Somebody else changed a path while it was being restored. */
export function changedMeanwhile(path: string): Fault {
  return new Fault(
    'changed_meanwhile',
    `Somebody else changed ${path} at the same time. Everything is as it was before; try again.`,
  );
}
