import { join } from 'node:path';

import { runToSuccess } from '../kit/exec.ts';
import type { PacemakerHost } from './paths.ts';
import {
  type AgentParameter,
  type Parameter,
  parseAgentMetadata,
  parseParameters,
} from '../parsers/metadata.ts';

/** An option of the cluster, as described by the daemon that uses it. */
export type ClusterOption = Parameter;

/** The daemons that have cluster options. The fencer describes parameters of fence devices instead. */
const daemons = ['pacemaker-based', 'pacemaker-controld', 'pacemaker-schedulerd'] as const;

/** The files from which the defaults come. */
export function daemonFiles({ paths }: PacemakerHost): string[] {
  return daemons.map((daemon) => join(paths.pacemakerDaemons, daemon));
}

/** The file from which the fencer's parameters come. */
export function fencerFile({ paths }: PacemakerHost): string {
  return join(paths.pacemakerDaemons, 'pacemaker-fenced');
}

/**
 * The parameters that Pacemaker's fencer accepts for every fence device: `pcmk_host_list` … (pacemaker-fenced(7)).
 * Faults: as readClusterOptions.
 */
export async function readFencerParameters(
  host: PacemakerHost,
): Promise<readonly AgentParameter[]> {
  return parseAgentMetadata(await metadataOf(host, fencerFile(host))).parameters;
}

/**
 * The cluster options that the daemons describe, by name. A default may be `(null)` in 2.0. All versions print them with
 * `metadata`; crm_attribute can list them only since 3.0.
 * Faults: `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readClusterOptions(
  host: PacemakerHost,
): Promise<ReadonlyMap<string, ClusterOption>> {
  const metadata = await Promise.all(daemonFiles(host).map((daemon) => metadataOf(host, daemon)));
  return new Map(metadata.flatMap(parseParameters).map((option) => [option.name, option]));
}

function metadataOf(host: PacemakerHost, daemon: string): Promise<string> {
  return runToSuccess(
    host.run,
    { argv: [daemon, 'metadata'], deadlineMs: host.readDeadlineMs },
    `${daemon} could not describe its options. Its own message is in 'stderr'; the package pacemaker may be half installed.`,
  );
}
