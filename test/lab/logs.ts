import { join } from 'node:path';
import { execa } from 'execa';
import { attachToNode, isOn } from './node.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import { nodePaths } from './record.ts';

/**
 * Prints the journal of a node on standard output.
 * @param args arguments of journalctl
 * @returns the exit code of journalctl
 */
export async function printLogs(
  lab: LabRecord,
  node: NodeRecord,
  args: readonly string[],
): Promise<number> {
  const argv = ['--no-pager', ...args];
  if (await isOn(lab, node)) {
    return attachToNode(lab, node, ['journalctl', ...argv]);
  }
  const journal = join(nodePaths(node).root, 'var/log/journal');
  const { exitCode } = await execa('journalctl', [`--directory=${journal}`, ...argv], {
    reject: false,
    stdio: 'inherit',
  });
  return exitCode ?? 1;
}
