import type { PacemakerHost } from './paths.ts';
import { changeWithPacemakerTool } from './tool.ts';

/**
 * Makes the cluster power a node off and on again, and waits until it is down (stonith_admin(8)).
 * Faults: those of changeWithPacemakerTool.
 */
export async function fenceNode(host: PacemakerHost, node: string): Promise<void> {
  const seconds = Math.ceil(host.changeDeadlineMs / 1000);
  await changeWithPacemakerTool(host, ['stonith_admin', '--reboot', node, `--timeout=${seconds}`]);
}
