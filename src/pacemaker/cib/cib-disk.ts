import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Max number of bytes that Pacemaker writes with a CIB: its digest, and the number of the former CIB's copy. */
const moreBytes = 64 * 1024;

/**
 * Whether this node's disk has room for the CIB that Pacemaker writes after a change; true if that is unknown.
 *
 * If Pacemaker cannot write a change, it makes it anyway, and cibadmin exits with 0. From then on, Pacemaker writes no CIB
 * on that node, even if there is room again, until it is restarted or gets SIGPIPE (`cib_diskwrite_complete`,
 * `cib_enable_writes` in pacemaker-based). So only the other nodes still have the change after a power cut. Pacemaker may
 * find room after all, because it removes its oldest copies first.
 * @param cib the path of cib.xml
 */
export async function hasRoomForCib(cib: string): Promise<boolean> {
  try {
    const [{ bavail, bsize }, { size }] = await Promise.all([statfs(dirname(cib)), stat(cib)]);
    return bavail * bsize >= size + moreBytes;
  } catch {
    return true;
  }
}

/** A warning for a caller that changes the CIB while it cannot be written. */
export function noRoomForCib(cib: string): string {
  return `There is no room for ${cib} on this node. If Pacemaker could not write the change, it has it only in memory and no longer writes this file: make room, then run 'pkill -PIPE -x pacemaker-based' or restart Pacemaker on this node.`;
}
