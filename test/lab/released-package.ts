import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { lastRelease, type Release } from '../../packaging/released.ts';
import { withLock } from './lock.ts';
import type { Progress } from './progress.ts';
import { step } from './progress.ts';
import { labCache } from './root.ts';
import { attempt, run } from './run.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The path of the package of the last release. It is built from that release's commit, by the build of that commit, once
 * on each machine. The lab's cache keeps it under the commit's hash.
 * @throws {Error} if the history of this clone lacks the commit
 * @throws {CommandError} if it cannot be built
 */
export async function releasedPackage(progress: Progress): Promise<string> {
  const release = await lastRelease();
  const folder = join(labCache(), `released-${release.commit}`);
  const file = join(folder, `ha-agent_${release.version.replace('-', '~')}_amd64.deb`);
  await mkdir(folder, { recursive: true });
  const what = `Building the package of ${release.version}, once on this machine`;
  await withLock(
    folder,
    async () => {
      if (!existsSync(file)) await step(progress, what, () => build(release, folder, file));
    },
    {
      deadlineMs: 900_000,
      onWait: () => {
        progress(`Waiting for another run that builds the package of ${release.version} ...`);
      },
    },
  );
  return file;
}

async function build({ version, commit }: Release, folder: string, file: string): Promise<void> {
  const git = ['git', '-C', root] as const;
  // Says what is wrong if there is no repository, or if it belongs to another user.
  await run([...git, 'rev-parse', '--git-dir']);
  if ((await attempt([...git, 'cat-file', '-e', `${commit}^{commit}`])).exitCode !== 0) {
    throw new Error(
      `The history of this clone lacks ${commit}, the commit of version ${version}. An upgrade cannot be tested without its package. Run 'git fetch origin ${commit}', then this again.`,
    );
  }
  const tree = join(folder, 'tree');
  // A killed build may have left it.
  await rm(tree, { recursive: true, force: true });
  await mkdir(tree);
  try {
    const archive = join(tree, 'archive.tar');
    await run([...git, 'archive', `--output=${archive}`, commit]);
    await run(['tar', '--extract', `--file=${archive}`, `--directory=${tree}`]);
    const committedAt = await run([...git, 'log', '-1', '--format=%ct', commit]);
    // It installs its own modules first.
    await run(['npm', 'run', 'package'], {
      cwd: tree,
      env: { ...ownEnvironment(), SOURCE_DATE_EPOCH: committedAt.trim() },
      deadlineMs: 600_000,
    });
    await rename(join(tree, 'build', basename(file)), file);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** The environment without the folder of the `npm run` around this process, which npm would install into. */
function ownEnvironment(): Record<string, string> {
  const environment = { ...process.env } as Record<string, string>;
  delete environment['npm_config_local_prefix'];
  return environment;
}
