import { join } from 'node:path';

import { runToSuccess } from '../exec.ts';
import type { Host } from '../host.ts';
import { parseParameters } from '../parsers/metadata.ts';

/** Those that have cluster options; what the fencer describes are parameters of fence devices. */
const daemons = ['pacemaker-based', 'pacemaker-controld', 'pacemaker-schedulerd'] as const;

/** The files that the defaults come from. */
export function daemonFiles({ paths }: Host): string[] {
  return daemons.map((daemon) => join(paths.pacemakerDaemons, daemon));
}

/**
 * The cluster options that the daemons describe, and their defaults, `""` for none (`(null)` in 2.0).
 * All generations print them with `metadata`; crm_attribute can list them since 3.0 only.
 * Faults: `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readOptionDefaults(host: Host): Promise<ReadonlyMap<string, string>> {
  const metadata = await Promise.all(
    daemonFiles(host).map((daemon) =>
      runToSuccess(
        host.run,
        { argv: [daemon, 'metadata'], deadlineMs: host.readDeadlineMs },
        `${daemon} could not describe its options. Its own message is in 'stderr'; the package pacemaker may be half installed.`,
      ),
    ),
  );
  return new Map(
    metadata.flatMap(parseParameters).map(({ name, default: value = '' }) => [name, value]),
  );
}
