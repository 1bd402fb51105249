import { type Gateway, setUpGateway } from '../gateway-system/bench.ts';
import { builtPackage } from '../lab/built-package.ts';
import { upGatewayHosts } from '../lab/gateway/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';

/** @param text such as `bookworm,bullseye,trixie`, one Debian for each host. Throws if one of them is not known */
export function suitesOf(text: string): Suite[] {
  return text.split(',').map((name) => {
    const found = suites.find((suite) => suite === name);
    if (found === undefined) throw new Error(`"${name}" is none of ${suites.join(', ')}.`);
    return found;
  });
}

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
  const { status, body } = await gateway.call('POST', '/1/virtual_groups', {
    name: `measured-${address}`,
    virtual_ip: address,
    status: 1,
    preempt,
    real_nodes: ids.map((node, index) => ({
      ...{ node, interface: lab.interface, interval },
      priority: priorities[index] ?? 100,
    })),
  });
  if (status !== 200) throw new Error(`the group was refused: ${JSON.stringify(body)}`);
  return (body.data as { id: number }).id;
}
