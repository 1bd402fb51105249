import type { Progress } from './progress.ts';
import { step } from './progress.ts';
import { run } from './run.ts';

/**
 * The Debian mirror in this machine's apt sources. apt itself is asked, so that each format of sources works.
 * @throws {Error} if no source of this machine is Debian's main archive
 */
export async function debianMirror(progress: Progress): Promise<string> {
  const known = await debianMirrors();
  if (known[0] !== undefined) {
    return known[0];
  }
  // apt knows a source's origin from the lists that it fetched; a fresh machine has none yet.
  await step(progress, 'Fetching the package lists (apt-get update)', () =>
    run(['apt-get', '-o', 'DPkg::Lock::Timeout=300', 'update'], { deadlineMs: 300_000 }),
  );
  const [mirror] = await debianMirrors();
  if (mirror === undefined) {
    throw new Error(
      'No apt source of this machine is the main archive of Debian (apt-get indextargets): add one to /etc/apt/sources.list.d/.',
    );
  }
  return mirror;
}

async function debianMirrors(): Promise<string[]> {
  const targets = await run([
    'apt-get',
    'indextargets',
    '--format',
    '$(LABEL)\t$(COMPONENT)\t$(REPO_URI)',
    'Created-By: Packages',
  ]);
  return targets
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([label, component]) => label === 'Debian' && component === 'main')
    .flatMap(([, , uri]) => uri ?? []);
}

/**
 * The apt settings of this machine that decide whether a mirror can be reached and is trusted: proxies,
 * certificates, checks of dates. mmdebstrap reads none of them by itself.
 * @returns lines as `apt.conf` has them
 */
export async function aptTransportSettings(): Promise<string[]> {
  const dump = await run(['apt-config', 'dump', 'Acquire']);
  return dump
    .split('\n')
    .filter(
      (line) => /^Acquire::(http|https|Retries|Check-)/i.test(line) && !line.endsWith(' "";'),
    );
}
