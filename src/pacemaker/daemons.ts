import { join } from 'node:path';

import { runToSuccess } from '../exec.ts';
import type { Host } from '../host.ts';
import { type Parameter, parseParameters } from '../parsers/metadata.ts';

/** An option of the cluster, as the daemon describes it that goes by it. */
export type ClusterOption = Parameter;

/** Those that have cluster options; what the fencer describes are parameters of fence devices. */
const daemons = ['pacemaker-based', 'pacemaker-controld', 'pacemaker-schedulerd'] as const;

/** The files that the defaults come from. */
export function daemonFiles({ paths }: Host): string[] {
  return daemons.map((daemon) => join(paths.pacemakerDaemons, daemon));
}

/**
 * The cluster options that the daemons describe, by name; a default may be `(null)` in 2.0.
 * All generations print them with `metadata`; crm_attribute can list them since 3.0 only.
 * Faults: `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readClusterOptions(host: Host): Promise<ReadonlyMap<string, ClusterOption>> {
  const metadata = await Promise.all(
    daemonFiles(host).map((daemon) =>
      runToSuccess(
        host.run,
        { argv: [daemon, 'metadata'], deadlineMs: host.readDeadlineMs },
        `${daemon} could not describe its options. Its own message is in 'stderr'; the package pacemaker may be half installed.`,
      ),
    ),
  );
  return new Map(metadata.flatMap(parseParameters).map((option) => [option.name, option]));
}
