import type { AlphornPaths } from '../../paths.ts';
import type { Rules } from '../rules.ts';
import type { Mounts } from './mounts.ts';
import { walk, type Walked, type WalkParts } from './walk.ts';

/** What Alphorn itself stores, which never goes into a liferaft. */
export type OwnPaths = Pick<AlphornPaths, 'own' | 'liferafts' | 'knownKeys' | 'restores'>;

/** The files, links and empty folders that the rules include, regardless of their caps, in no order. */
export async function includedPaths(
  rules: Rules,
  paths: OwnPaths,
  mounts: Mounts,
): Promise<string[]> {
  const walked = await walkMounts(rules, paths, { mounts, essentials: [], former: new Map() });
  return walked.found.map(({ path }) => path);
}

/** Walks again if a file system had to be asked first whether it answers. */
export async function walkMounts(
  rules: Rules,
  { own, liferafts, knownKeys, restores }: OwnPaths,
  { mounts, ...parts }: { mounts: Mounts } & Pick<WalkParts, 'essentials' | 'former'>,
): Promise<Walked> {
  const never = new Set([own, liferafts, knownKeys, restores]);
  await mounts.read();
  for (;;) {
    const walked = walk({ ...parts, rules, never, silentAt: (path) => mounts.silentAt(path) });
    if (!(await mounts.ask())) return walked;
  }
}
