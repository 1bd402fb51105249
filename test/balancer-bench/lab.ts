import { type Balancing, setUpBalancing } from '../balancer-system/bench.ts';
import { builtPackage } from '../lab/built-package.ts';
import { upBalancerHosts } from '../lab/balancer/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';

/** Brings hosts up with a controller on the first one, works with them, and takes them down. */
export async function withBalancing(
  name: string,
  suites: readonly Suite[],
  work: (balancing: Balancing) => Promise<void>,
): Promise<void> {
  await down(name, progressOnStderr);
  try {
    const lab = await upBalancerHosts({
      ...{ name, suites },
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    await work(await setUpBalancing(lab));
  } finally {
    await down(name, progressOnStderr);
  }
}
