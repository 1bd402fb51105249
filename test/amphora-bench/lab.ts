import { builtPackage } from '../lab/built-package.ts';
import { type AmphoraLab, upAmphorae } from '../lab/amphora/lab.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import type { Suite } from '../lab/root.ts';

/** Brings a pair of amphorae up with this project's package, works with them, and takes them down. */
export async function withAmphorae(
  name: string,
  suite: Suite,
  work: (lab: AmphoraLab) => Promise<void>,
): Promise<void> {
  await down(name, progressOnStderr);
  try {
    const lab = await upAmphorae({
      name,
      suite,
      nodes: 2,
      agent: 'ours',
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    await work(lab);
  } finally {
    await down(name, progressOnStderr);
  }
}
