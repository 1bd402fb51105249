import { stat } from 'node:fs/promises';

import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { toolFolders } from '../paths.ts';

/** What each tool prints about its version, to the byte. */
export interface Versions {
  pacemaker: string;
  corosync: string;
  pcs: string;
}

export type VersionsReader = () => Promise<Versions>;

/**
 * Reads the versions of the installed cluster software; the cluster need not run. A version is kept for
 * as long as the tool's file stays the same, for `pcs --version` alone takes half a second.
 * Faults of the reader: `tool_missing`, `command_failed`, those of Run.
 */
export function makeVersionsReader(host: Host): VersionsReader {
  // pacemakerd --version prints its build options as well; the documented text is crm_mon's.
  const pacemaker = keepWhileInstalled('crm_mon', () => versionOf(host, ['crm_mon', '--version']));
  const corosync = keepWhileInstalled('corosync', () => versionOf(host, ['corosync', '-v']));
  const pcs = keepWhileInstalled('pcs', () => versionOf(host, ['pcs', '--version']));
  return async () => {
    const [pacemakerText, corosyncText, pcsText] = await Promise.all([
      pacemaker(),
      corosync(),
      pcs(),
    ]);
    return { pacemaker: pacemakerText, corosync: corosyncText, pcs: pcsText };
  };
}

async function versionOf(host: Host, argv: readonly [string, string]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run({
    argv,
    deadlineMs: host.readDeadlineMs,
  });
  // Each of the three exits with 0 here; anything else is an installation that is broken.
  if (exitCode !== 0) {
    throw new Fault(
      'command_failed',
      `${argv[0]} could not tell its version. Its own message is in 'stderr'; the package may be half installed.`,
      { command: { argv, exitCode, stderr } },
    );
  }
  return stdout;
}

/** Shares one reading among all who ask until the tool's file changes or the reading fails. */
function keepWhileInstalled(tool: string, read: () => Promise<string>): () => Promise<string> {
  let kept: { stamp: string; value: Promise<string> } | undefined;
  return async () => {
    const stamp = await fileStamp(tool);
    if (kept?.stamp === stamp) return kept.value;
    const reading = { stamp, value: read() };
    kept = reading;
    try {
      return await reading.value;
    } catch (error) {
      if (kept === reading) kept = undefined;
      throw error;
    }
  };
}

/** Changes whenever the tool's file is installed, replaced or removed. */
async function fileStamp(tool: string): Promise<string> {
  for (const folder of toolFolders) {
    try {
      const { ino, size, mtimeMs } = await stat(`${folder}/${tool}`);
      return [folder, ino, size, mtimeMs].join(':');
    } catch {
      // Not in this folder.
    }
  }
  return 'missing';
}
