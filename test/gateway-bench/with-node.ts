import { builtPackage } from '../lab/built-package.ts';
import { type GatewayLab, upGatewayHosts } from '../lab/gateway/lab.ts';
import { down, type LabNode } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';
import { type DirectNode, setUpNode } from './direct-node.ts';

/**
 * Brings one host up as a node without a controller, and down again afterwards.
 * @param prepare called before it becomes a node
 */
export async function withNode(
  name: string,
  suite: Suite,
  work: (direct: DirectNode, lab: GatewayLab) => Promise<void>,
  prepare?: (node: LabNode) => Promise<void>,
): Promise<void> {
  await down(name, progressOnStderr);
  const lab = await upGatewayHosts({
    ...{ name, suites: [suite], progress: progressOnStderr },
    package: await builtPackage(),
  });
  try {
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('The lab has no node.');
    await prepare?.(node);
    const direct = await setUpNode(node);
    try {
      await work(direct, lab);
    } finally {
      await direct.close();
    }
  } finally {
    await lab.down();
  }
}
