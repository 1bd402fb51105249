import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import { aptTransportSettings, debianMirror } from './mirror.ts';
import { unmountBelow } from './mounts.ts';
import type { Progress } from './progress.ts';
import { step } from './progress.ts';
import { run } from './run.ts';

export const suites = ['bullseye', 'bookworm', 'trixie'] as const;
export type Suite = (typeof suites)[number];

/** @param text such as `bookworm,bullseye,trixie`, one Debian for each host. Throws if one of them is not known */
export function suitesOf(text: string): Suite[] {
  return text.split(',').map((name) => {
    const found = suites.find((suite) => suite === name);
    if (found === undefined) throw new Error(`"${name}" is none of ${suites.join(', ')}.`);
    return found;
  });
}

const everywhere = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'iputils-ping',
  'procps',
  'curl',
  'openssl',
  'pacemaker',
  'corosync',
  'pcs',
  'pacemaker-cli-utils',
  'resource-agents',
  'python3',
];

const bySuite: Readonly<Record<Suite, readonly string[]>> = {
  bullseye: ['fence-agents'],
  bookworm: ['fence-agents'],
  trixie: [
    // On this Debian, `fence-agents` installs each agent with the SDK of each cloud: 2 GB
    'fence-agents-apc',
    'fence-agents-dummy',
    'fence-agents-ipmilan',
    // Pacemaker's own tests, for their CIBs; the other Debians have no such package
    'pacemaker-cts',
  ],
};

const hook = join(import.meta.dirname, 'root-hook.sh');

/** The cache for everything that takes long to make; it may be deleted at any time while no lab is up. */
export function labCache(): string {
  return process.env['HA_LAB_CACHE'] ?? '/var/cache/ha-agent-lab';
}

/** What a root is built from. */
export interface RootPlan {
  readonly suite: Suite;
  /** The first part of its folder's name in the cache. No name is the beginning of another one and a hyphen. */
  readonly name: string;
  readonly packages: readonly string[];
}

/** The folder of a Debian with all that a node of a cluster needs, built if it does not exist yet. */
export async function readyRoot(suite: Suite, progress: Progress): Promise<string> {
  return readyRootOf(
    { suite, name: suite, packages: [...everywhere, ...bySuite[suite]] },
    progress,
  );
}

/**
 * The folder of a Debian with these packages, built if it does not exist yet. Nodes only read it. Its name depends on
 * what it is built from, so other packages make another folder. An old folder stays, because a running lab may use it.
 */
export async function readyRootOf(plan: RootPlan, progress: Progress): Promise<string> {
  const { suite, name, packages } = plan;
  const cache = labCache();
  const root = join(cache, `${name}-${await fingerprint(suite, packages)}`);
  if (existsSync(root)) {
    return root;
  }
  await mkdir(cache, { recursive: true });
  const lock = join(cache, `${name}.lock`);
  await writeFile(lock, '', { flag: 'a' });
  await withLock(
    lock,
    async (lockFd) => {
      if (!existsSync(root)) {
        await removeUnfinished(cache, name);
        await step(progress, `Building the ${name} root`, () =>
          build(suite, packages, root, lockFd, progress),
        );
      }
    },
    {
      deadlineMs: 1_800_000,
      onWait: () => {
        progress(`Waiting for another run that builds the ${name} root ...`);
      },
    },
  );
  return root;
}

async function fingerprint(suite: Suite, packages: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([suite, packages])).update(await readFile(hook));
  return hash.digest('hex').slice(0, 12);
}

const unfinished = '.unfinished';

/** Removes the rest of a killed build. Nobody works in it, because this process has the lock. */
async function removeUnfinished(cache: string, name: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (entry.startsWith(`${name}-`) && entry.endsWith(unfinished)) {
      // If this machine's /dev is still mounted in it, it must not be emptied
      await unmountBelow(join(cache, entry));
      await rm(join(cache, entry), { recursive: true });
    }
  }
}

async function build(
  suite: Suite,
  packages: readonly string[],
  root: string,
  lockFd: number,
  progress: Progress,
): Promise<void> {
  const settings = await aptTransportSettings();
  const target = root + unfinished;
  await run(
    [
      // mmdebstrap mounts /proc, /dev and more, forks a lot, and leaves all of that behind if it is killed. So it gets
      // its own namespaces, which end with this process.
      'setpriv',
      '--pdeathsig=KILL',
      '--',
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--',
      'mmdebstrap',
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      `--customize-hook=${hook}`,
      ...settings.map((line) => `--aptopt=${line}`),
      suite,
      target,
      await debianMirror(progress),
    ],
    // The process inherits the lock, so the next run waits until the last of its children is gone
    { deadlineMs: 1_800_000, inherit: [lockFd] },
  );
  await rename(target, root);
}
