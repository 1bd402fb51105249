import { builtPackage } from './built-package.ts';
import { down, type Lab, up } from './lab.ts';
import { progressOnStderr } from './progress.ts';
import type { Suite } from './root.ts';

/**
 * A separate lab of two nodes in the storage topology, with this project's package in both. A lab that
 * an earlier run left under the name is ended first.
 */
export async function upWithPackage(name: string, suite: Suite): Promise<Lab> {
  await down(name, progressOnStderr);
  return up({
    name,
    suite,
    nodes: 2,
    topology: 'storage',
    package: await builtPackage(),
    progress: progressOnStderr,
  });
}
