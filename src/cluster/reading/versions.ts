import { runToSuccess } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { toolStamp } from '../../kit/files/stamps.ts';

/** What each tool prints about its version, to the byte. */
export interface Versions {
  pacemaker: string;
  corosync: string;
  pcs: string;
}

export type VersionsReader = () => Promise<Versions>;

/**
 * Reads the versions of the installed cluster software; the cluster need not run. They are kept for as
 * long as the tools' files stay the same, for `pcs --version` alone takes half a second.
 * Faults of the reader: `tool_missing`, `tool_failed`, those of Run.
 */
export function makeVersionsReader(host: Host): VersionsReader {
  return cacheByStamp(
    async () => (await Promise.all(['crm_mon', 'corosync', 'pcs'].map(toolStamp))).join(),
    () => readVersions(host),
  );
}

async function readVersions(host: Host): Promise<Versions> {
  const [pacemaker, corosync, pcs] = await Promise.all([
    // pacemakerd --version prints its build options as well; the documented text is crm_mon's.
    versionOf(host, ['crm_mon', '--version']),
    versionOf(host, ['corosync', '-v']),
    versionOf(host, ['pcs', '--version']),
  ]);
  return { pacemaker, corosync, pcs };
}

function versionOf(host: Host, argv: readonly [string, string]): Promise<string> {
  return runToSuccess(
    host.run,
    { argv, deadlineMs: host.readDeadlineMs },
    `${argv[0]} could not tell its version. Its own message is in 'stderr'; the package may be half installed.`,
  );
}
