import { symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { Fault } from '../kit/fault.ts';
import { readTextUpTo, replaceKeepingPrevious } from '../kit/files/files.ts';
import type { Host } from '../kit/host.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import {
  type CorosyncSection,
  loggingToStderrAlone,
  parseCorosyncConf,
} from '../parsers/corosync/conf.ts';
import { memoryFolder } from '../kit/paths.ts';
import { masked } from '../kit/secrets/secret-names.ts';

/** What corosync says of its configuration file. */
export interface ConfVerdict {
  valid: boolean;
  /** What `corosync -t` prints. */
  text: string;
}

// The largest that makes sense, of 64 nodes with 8 links each, has some 50 KB.
const maxBytes = 1024 * 1024;

/**
 * The text of corosync.conf to its last byte, its key included, or undefined if there is none.
 * Faults: `corosync_conf_unreadable` if it has more than 1 MiB
 */
export async function readCorosyncConfFile({ paths }: Host): Promise<string | undefined> {
  const text = await readTextUpTo(paths.corosyncConf, maxBytes);
  if (text !== false) return text;
  throw new Fault(
    'corosync_conf_unreadable',
    `${paths.corosyncConf} on this node is larger than 1 MiB, so it is not read. Copy it from another node of the cluster.`,
  );
}

/**
 * corosync.conf as it stands on this node, or undefined if there is none.
 * Faults: `corosync_conf_unreadable`
 */
export async function readCorosyncConf(host: Host): Promise<CorosyncSection | undefined> {
  const text = await readCorosyncConfFile(host);
  return text === undefined ? undefined : parseCorosyncConf(text);
}

/**
 * The text of corosync.conf, with its key.
 * Faults: `corosync_conf_not_found`, `corosync_conf_unreadable`
 */
export async function existingCorosyncConfFile(host: Host): Promise<string> {
  const text = await readCorosyncConfFile(host);
  if (text !== undefined) return text;
  throw new Fault(
    'corosync_conf_not_found',
    `There is no ${host.paths.corosyncConf} on this node, so it is in no cluster. Copy it from another node of the cluster, or make a cluster with 'pcs cluster setup'.`,
  );
}

/**
 * The text of corosync.conf. Only the cluster's key is masked, where it stands in this file instead of
 * its own (`totem.key`, which corosync.conf(5) advises against).
 * Faults: `corosync_conf_not_found`, `corosync_conf_unreadable`
 */
export async function readCorosyncConfText(host: Host): Promise<string> {
  return maskConf(await existingCorosyncConfFile(host));
}

/** The text of a corosync.conf with its key, if it has one, replaced by stars. */
export function maskConf(text: string): string {
  return withKeys(text, () => masked);
}

/**
 * Puts a new corosync.conf in the place of the old, if corosync would start with it. A key that is masked, as
 * it was read, stays what it is.
 * @param text the whole file
 * @returns what is in the file now, its key masked
 * Faults: `corosync_conf_invalid`, `corosync_conf_unreadable`, `invalid_request`, those of Run.
 */
export async function replaceCorosyncConf(host: Host, text: string): Promise<string> {
  const { corosyncConf } = host.paths;
  const whole = await withKey(host, text);
  const { valid, text: words } = await verifyCorosyncConf(host, whole);
  if (!valid) {
    throw new Fault(
      'corosync_conf_invalid',
      "Corosync would not start with this configuration, so it was not put in place. What it says is in 'stderr'; if it cannot open its key, set that first.",
      { command: { argv: ['corosync', '-t'], exitCode: null, stderr: words } },
    );
  }
  await replaceKeepingPrevious(corosyncConf, whole, 0o644);
  return maskConf(whole);
}

/** Faults: `invalid_request`, `corosync_conf_unreadable` */
async function withKey(host: Host, text: string): Promise<string> {
  if (!keysIn(text).some((value) => value.trim() === masked)) return text;
  const former = (await readCorosyncConfFile(host)) ?? '';
  const key = keysIn(former).at(-1);
  if (key === undefined) {
    throw new Fault(
      'invalid_request',
      `The key is ${masked}, which is how a key is shown, but the file of this node has none that could stay.`,
      { errors: [{ field: 'totem.key', message: 'must be a key', type: 'string' }] },
    );
  }
  return withKeys(text, ({ value, isComment }) =>
    value.trim() === masked && !isComment ? key : value,
  );
}

/** Not those in comments, which are masked as well. */
function keysIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const found = keyIn(line);
    return found && !found.isComment ? [found.value] : [];
  });
}

/** The text with the value of each `key: value` line replaced; all else stays to the byte. */
function withKeys(text: string, replacement: (found: KeyInLine) => string): string {
  return text
    .split('\n')
    .map((line) => {
      const found = keyIn(line);
      return found ? line.slice(0, found.start) + replacement(found) : line;
    })
    .join('\n');
}

/** The value of a key in a line, which reaches from `start` to the end of the line. */
interface KeyInLine {
  start: number;
  value: string;
  isComment: boolean;
}

// No pattern: one that skips blanks before it looks for a word takes the square of the number of blanks.
function keyIn(line: string): KeyInLine | undefined {
  const name = skip(line, 0, ' \t\r#');
  if (!line.startsWith('key', name)) return undefined;
  const colon = skip(line, name + 'key'.length, ' \t\r');
  if (line[colon] !== ':') return undefined;
  const start = skip(line, colon + 1, ' \t\r');
  if (start === line.length) return undefined;
  return { start, value: line.slice(start), isComment: line.slice(0, name).includes('#') };
}

/** Where the first sign stands that is not one of these. */
function skip(line: string, from: number, signs: string): number {
  let at = from;
  while (at < line.length && signs.includes(line.charAt(at))) at += 1;
  return at;
}

/** The same check of the file as it stands. Faults: as verifyCorosyncConf */
export async function verifyCorosyncConfFile(host: Host): Promise<ConfVerdict> {
  const text = await readTextUpTo(host.paths.corosyncConf, maxBytes);
  return verifyCorosyncConf(host, text === false ? undefined : text);
}

/**
 * Lets corosync itself check a configuration (corosync(8), `-t`); it need not run. It would end with "exiting normally" in
 * the log that the file names, which is that of the corosync that runs: so it is shown a copy that logs to stderr alone.
 * @param text the configuration; undefined if there is none, or more than is read
 * Faults: `no_space` in memory, those of Run.
 */
export async function verifyCorosyncConf(
  { run, paths, readDeadlineMs }: Host,
  text: string | undefined,
): Promise<ConfVerdict> {
  const verify = async (...file: string[]): Promise<ConfVerdict> => {
    const argv = ['corosync', '-t', ...file] as const;
    // 0: corosync would start with it. Whatever else it exits with, 8 for most, it would not.
    const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: readDeadlineMs });
    return { valid: exitCode === 0, text: stdout + stderr };
  };
  // Corosync does not get as far as its log then.
  if (text === undefined) return verify();
  const folder = dirname(paths.corosyncConf);
  return inMemoryFolder(memoryFolder, async (memory) => {
    const copy = join(memory, basename(paths.corosyncConf));
    await writeFile(copy, loggingToStderrAlone(text), { mode: 0o600 });
    // Corosync reads more of its configuration from the folder of the file.
    await symlink(join(folder, 'uidgid.d'), join(memory, 'uidgid.d'));
    const { valid, text: words } = await verify('-c', copy);
    return { valid, text: words.replaceAll(memory, folder) };
  });
}
