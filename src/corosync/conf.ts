import { Fault } from '../errors.ts';
import { readTextIfThere } from '../files.ts';
import type { Host } from '../host.ts';
import { type CorosyncSection, parseCorosyncConf } from '../parsers/corosync-conf.ts';
import { masked } from '../secrets.ts';

/** What corosync says of its configuration file. */
export interface ConfVerdict {
  valid: boolean;
  /** What `corosync -t` prints. */
  text: string;
}

/** corosync.conf as it stands on this node, or undefined if there is none. */
export async function readCorosyncConf({ paths }: Host): Promise<CorosyncSection | undefined> {
  const text = await readTextIfThere(paths.corosyncConf);
  return text === undefined ? undefined : parseCorosyncConf(text);
}

/**
 * The text of corosync.conf. Only the cluster's key is masked, where it stands in this file instead of
 * its own (`totem.key`, which corosync.conf(5) advises against).
 * Faults: `corosync_conf_not_found`
 */
export async function readCorosyncConfText({ paths }: Host): Promise<string> {
  const text = await readTextIfThere(paths.corosyncConf);
  if (text === undefined) {
    throw new Fault(
      'corosync_conf_not_found',
      `There is no ${paths.corosyncConf} on this node, so it is in no cluster. Copy it from another node of the cluster, or make a cluster with 'pcs cluster setup'.`,
    );
  }
  return text.replace(/^([ \t\r#]*key[ \t\r]*:[ \t\r]*)[^ \t\r\n][^\n]*/gm, `$1${masked}`);
}

/**
 * Lets corosync itself check its configuration (corosync(8), `-t`); it need not run.
 * Faults: those of Run.
 */
export async function verifyCorosyncConf({ run, readDeadlineMs }: Host): Promise<ConfVerdict> {
  const argv = ['corosync', '-t'] as const;
  // 0: corosync would start with it. Whatever else it exits with, 8 for most, it would not.
  const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: readDeadlineMs });
  return { valid: exitCode === 0, text: stdout + stderr };
}
