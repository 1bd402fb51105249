import { Fault, noSpaceOf, systemErrorCode } from '../../kit/fault.ts';

/** What the system says of a path, as a fault that names it. Faults: `no_space`, `restore_failed`, those of the work */
export async function orFault<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof Fault || code === undefined) throw error;
    const full = noSpaceOf(error, path);
    if (full) throw full;
    // Without the names of the call, which are a folder's number.
    const [what = code] = (error as Error).message.split(',');
    throw new Fault(
      'restore_failed',
      `The system refused to change ${path}: ${what}. All is as it was before. Put that right, or restore the other paths alone.`,
    );
  }
}

/** Of a path that others changed while it was about to be. */
export function changedMeanwhile(path: string): Fault {
  return new Fault(
    'changed_meanwhile',
    `${path} was changed by somebody else at the same time. All is as it was before; ask again.`,
  );
}
