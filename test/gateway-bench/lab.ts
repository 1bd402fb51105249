import { type Gateway, postGroup, setUpGateway } from '../gateway-system/bench.ts';
import { builtPackage } from '../lab/built-package.ts';
import { upGatewayHosts } from '../lab/gateway/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';

/** Brings hosts up with a controller on the first one, works with them, and takes them down. */
export async function withGateway(
  name: string,
  hosts: readonly Suite[],
  work: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  await down(name, progressOnStderr);
  try {
    const lab = await upGatewayHosts({
      name,
      suites: hosts,
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    await work(await setUpGateway(lab));
  } finally {
    await down(name, progressOnStderr);
  }
}

/** The priorities of the hosts. The best one is not that of the controller, because it is hurt. */
export const priorities = [130, 150, 140] as const;

/** Makes a group over all hosts. @returns its id */
export async function makeGroup(
  { ids, lab, ...gateway }: Gateway,
  { address, interval, preempt }: { address: string; interval: number; preempt: boolean },
): Promise<number> {
  return postGroup(gateway, {
    name: `measured-${address}`,
    virtual_ip: address,
    preempt,
    real_nodes: ids.map((node, index) => ({
      ...{ node, interface: lab.interface, interval },
      priority: priorities[index] ?? 100,
    })),
  });
}
