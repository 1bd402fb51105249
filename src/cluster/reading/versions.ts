import { runToSuccess } from '../../kit/exec.ts';
import type { ClusterHost } from '../paths.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { toolStamp } from '../../kit/files/stamps.ts';

/** The exact output of each tool about its version. */
export interface Versions {
  pacemaker: string;
  corosync: string;
  pcs: string;
}

export type VersionsReader = () => Promise<Versions>;

/**
 * Reads the versions of the installed cluster software, whether or not the cluster runs. They are cached until a tool's
 * file changes, because `pcs --version` alone takes half a second.
 * Faults of the reader: `tool_missing`, `tool_failed`, those of Run.
 */
export function makeVersionsReader(host: ClusterHost): VersionsReader {
  return cacheByStamp(
    async () => (await Promise.all(['crm_mon', 'corosync', 'pcs'].map(toolStamp))).join(),
    () => readVersions(host),
  );
}

async function readVersions(host: ClusterHost): Promise<Versions> {
  const [pacemaker, corosync, pcs] = await Promise.all([
    // Callers know the text of crm_mon. `pacemakerd --version` also prints its build options.
    versionOf(host, ['crm_mon', '--version']),
    versionOf(host, ['corosync', '-v']),
    versionOf(host, ['pcs', '--version']),
  ]);
  return { pacemaker, corosync, pcs };
}

function versionOf(host: ClusterHost, argv: readonly [string, string]): Promise<string> {
  return runToSuccess(
    host.run,
    { argv, deadlineMs: host.readDeadlineMs },
    `${argv[0]} could not print its version. See 'stderr' for its message; the package may be half installed.`,
  );
}
