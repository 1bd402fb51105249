import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes that Pacemaker writes with a CIB: its digest, and the number of the former CIB's copy. */
const moreBytes = 64 * 1024;

/**
 * Whether this node's disk has room for the CIB that Pacemaker writes after a change; true where that cannot be told.
 *
 * Pacemaker makes a change that it cannot write, and cibadmin ends with 0. From then on it writes no CIB on that node, even
 * when there is room again, until it is restarted or gets SIGPIPE (`cib_diskwrite_complete`, `cib_enable_writes` in
 * pacemaker-based). So the other nodes alone keep the change over a power cut. It may find room all the same, for it removes
 * the oldest of its copies first.
 * @param cib its file
 */
export async function hasRoomForCib(cib: string): Promise<boolean> {
  try {
    const [{ bavail, bsize }, { size }] = await Promise.all([statfs(dirname(cib)), stat(cib)]);
    return bavail * bsize >= size + moreBytes;
  } catch {
    return true;
  }
}

/** A warning for whoever changes the CIB while it cannot be written. */
export function noRoomForCib(cib: string): string {
  return `There is no room for ${cib} on this node. If Pacemaker could not write the change there, it has it in memory alone, and writes nothing there any more: make room, then run 'pkill -PIPE -x pacemaker-based' or restart Pacemaker on this node.`;
}
