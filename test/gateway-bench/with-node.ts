import { builtPackage } from '../lab/built-package.ts';
import { type GatewayLab, upGatewayHosts } from '../lab/gateway/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';
import { type DirectNode, setUpNode } from './direct-node.ts';

/** Brings one host up as a node without a controller, and down again afterwards. */
export async function withNode(
  name: string,
  suite: Suite,
  work: (direct: DirectNode, lab: GatewayLab) => Promise<void>,
): Promise<void> {
  await down(name, progressOnStderr);
  const lab = await upGatewayHosts({
    ...{ name, suites: [suite], progress: progressOnStderr },
    package: await builtPackage(),
  });
  try {
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('The lab has no node.');
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
