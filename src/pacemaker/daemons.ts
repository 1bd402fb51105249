import { join } from 'node:path';

import { runToSuccess } from '../kit/exec.ts';
import type { Host } from '../kit/host.ts';
import {
  type AgentParameter,
  type Parameter,
  parseAgentMetadata,
  parseParameters,
} from '../parsers/metadata.ts';

/** An option of the cluster, as the daemon describes it that goes by it. */
export type ClusterOption = Parameter;

/** Those that have cluster options; what the fencer describes are parameters of fence devices. */
const daemons = ['pacemaker-based', 'pacemaker-controld', 'pacemaker-schedulerd'] as const;

/** The files that the defaults come from. */
export function daemonFiles({ paths }: Host): string[] {
  return daemons.map((daemon) => join(paths.pacemakerDaemons, daemon));
}

/** The file that describes what Pacemaker's fencer takes. */
export function fencerFile({ paths }: Host): string {
  return join(paths.pacemakerDaemons, 'pacemaker-fenced');
}

/**
 * The parameters that Pacemaker's fencer takes of every fence device: `pcmk_host_list` … (pacemaker-fenced(7)).
 * Faults: as readClusterOptions.
 */
export async function readFencerParameters(host: Host): Promise<readonly AgentParameter[]> {
  return parseAgentMetadata(await metadataOf(host, fencerFile(host))).parameters;
}

/**
 * The cluster options that the daemons describe, by name; a default may be `(null)` in 2.0.
 * All generations print them with `metadata`; crm_attribute can list them since 3.0 only.
 * Faults: `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readClusterOptions(host: Host): Promise<ReadonlyMap<string, ClusterOption>> {
  const metadata = await Promise.all(daemonFiles(host).map((daemon) => metadataOf(host, daemon)));
  return new Map(metadata.flatMap(parseParameters).map((option) => [option.name, option]));
}

function metadataOf(host: Host, daemon: string): Promise<string> {
  return runToSuccess(
    host.run,
    { argv: [daemon, 'metadata'], deadlineMs: host.readDeadlineMs },
    `${daemon} could not describe its options. Its own message is in 'stderr'; the package pacemaker may be half installed.`,
  );
}
