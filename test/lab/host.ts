import { attempt, run } from './run.ts';
import type { Progress } from './progress.ts';
import { step } from './progress.ts';

/** The Debian packages that this machine needs: one builds roots, the other one boots them. */
const wanted = ['mmdebstrap', 'systemd-container', 'iproute2', 'util-linux', 'mount'];

/** Installs the missing packages that the lab needs on this machine. */
export const installPrerequisites = (progress: Progress): Promise<void> =>
  installPackages(wanted, progress);

/**
 * Installs Debian packages that are missing on this machine.
 * @throws {CommandError} when apt cannot
 */
export async function installPackages(names: readonly string[], progress: Progress): Promise<void> {
  const missing = await missingOf(names);
  if (missing.length === 0) {
    return;
  }
  await step(progress, `Installing ${missing.join(', ')} on this machine`, async () => {
    // Another apt may be running on this machine, such as an automatic upgrade
    const patient = ['-o', 'DPkg::Lock::Timeout=300'];
    const quiet = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } as Record<string, string>;
    await run(['apt-get', ...patient, 'update'], { deadlineMs: 300_000 });
    await run(['apt-get', ...patient, 'install', '--yes', '--no-install-recommends', ...missing], {
      deadlineMs: 600_000,
      env: quiet,
    });
  });
}

async function missingOf(names: readonly string[]): Promise<string[]> {
  // Its exit code is 1 if it does not know one of them
  const { stdout } = await attempt([
    'dpkg-query',
    '--show',
    '--showformat=${Package} ${db:Status-Status}\n',
    ...names,
  ]);
  const installed = new Set(
    stdout
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return names.filter((name) => !installed.has(name));
}
