import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.ts';
import type { Progress } from './progress.ts';
import { step } from './progress.ts';
import { labCache } from './root.ts';
import { attempt, run } from './run.ts';

/** The last release. */
export interface Release {
  readonly version: string;
  /** The full hash of the commit from which its package is built. */
  readonly commit: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The release in packaging/released.json. */
export async function lastRelease(): Promise<Release> {
  return JSON.parse(await readFile(`${root}packaging/released.json`, 'utf8')) as Release;
}

/**
 * The path of the package of the last release. It is built from its commit, as that commit builds it, once a machine; the
 * lab's cache keeps it under the commit's name.
 * @throws {Error} if the history of this clone does not have the commit
 * @throws {CommandError} if it cannot be built
 */
export async function releasedPackage(progress: Progress): Promise<string> {
  const release = await lastRelease();
  const folder = join(labCache(), `released-${release.commit}`);
  const file = join(folder, `ha-agent_${release.version.replace('-', '~')}_amd64.deb`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  await withLock(
    folder,
    async () => {
      if (existsSync(file)) return;
      await step(progress, `Building the package of ${release.version}, once on this machine`, () =>
        build(release, folder, file),
      );
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
  // Fails with a clear message if this is not a repository, or belongs to another user.
  await run([...git, 'rev-parse', '--git-dir']);
  const { exitCode } = await attempt([...git, 'cat-file', '-e', `${commit}^{commit}`]);
  if (exitCode !== 0) {
    throw new Error(
      `The history of this clone does not have the commit of version ${version}, ${commit}, which the upgrade starts from. Run 'git fetch --unshallow' (or 'git fetch origin ${commit}'), then this again.`,
    );
  }
  const tree = join(folder, 'tree');
  // A killed build left this. Nobody works in it, because this process has the lock.
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

/** The environment of this process without the folder of the surrounding `npm run`, into which npm would install. */
function ownEnvironment(): Record<string, string> {
  const environment = { ...process.env } as Record<string, string>;
  delete environment['npm_config_local_prefix'];
  return environment;
}
