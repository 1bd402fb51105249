import { symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { Fault } from '../kit/fault.ts';
import { readTextUpTo, replaceKeepingPrevious } from '../kit/files/files.ts';
import type { CorosyncHost } from './paths.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import {
  type CorosyncSection,
  loggingToStderrAlone,
  parseCorosyncConf,
} from '../parsers/corosync/conf.ts';
import { memoryFolder } from '../kit/paths.ts';
import { masked } from '../kit/secrets/secret-names.ts';

/** Corosync's verdict on its configuration file. */
export interface ConfVerdict {
  valid: boolean;
  /** What `corosync -t` prints. */
  text: string;
}

// The largest useful file, with 64 nodes of 8 links each, has some 50 KB.
const maxBytes = 1024 * 1024;

/**
 * The whole text of corosync.conf, including its key, or undefined if there is none.
 * Faults: `corosync_conf_unreadable` if it has more than 1 MiB
 */
export async function readCorosyncConfFile({ paths }: CorosyncHost): Promise<string | undefined> {
  const text = await readTextUpTo(paths.corosyncConf, maxBytes);
  if (text !== false) return text;
  throw new Fault(
    'corosync_conf_unreadable',
    `${paths.corosyncConf} on this node is larger than 1 MiB, so it is not read. Copy it from another node of the cluster.`,
  );
}

/**
 * The parsed corosync.conf of this node, or undefined if there is none.
 * Faults: `corosync_conf_unreadable`
 */
export async function readCorosyncConf(host: CorosyncHost): Promise<CorosyncSection | undefined> {
  const text = await readCorosyncConfFile(host);
  return text === undefined ? undefined : parseCorosyncConf(text);
}

/**
 * The text of corosync.conf, including its key.
 * Faults: `corosync_conf_not_found`, `corosync_conf_unreadable`
 */
export async function existingCorosyncConfFile(host: CorosyncHost): Promise<string> {
  const text = await readCorosyncConfFile(host);
  if (text !== undefined) return text;
  throw new Fault(
    'corosync_conf_not_found',
    `There is no ${host.paths.corosyncConf} on this node, so it is in no cluster. Copy it from another node of the cluster, or make a cluster with 'pcs cluster setup'.`,
  );
}

/**
 * The text of corosync.conf with the cluster's key masked, if it is in this file instead of its own (`totem.key`, which
 * corosync.conf(5) advises against).
 * Faults: `corosync_conf_not_found`, `corosync_conf_unreadable`
 */
export async function readCorosyncConfText(host: CorosyncHost): Promise<string> {
  return maskConf(await existingCorosyncConfFile(host));
}

/** The text of a corosync.conf with its key, if it has one, replaced by asterisks. */
export function maskConf(text: string): string {
  return withKeys(text, () => masked);
}

/**
 * Replaces corosync.conf, if corosync would start with the new one. A key that is masked in the new text stays unchanged.
 * @param text the whole file
 * @returns the new content of the file, with its key masked
 * Faults: `corosync_conf_invalid`, `corosync_conf_unreadable`, `invalid_request`, those of Run.
 */
export async function replaceCorosyncConf(host: CorosyncHost, text: string): Promise<string> {
  const { corosyncConf } = host.paths;
  const whole = await withKey(host, text);
  const { valid, text: output } = await verifyCorosyncConf(host, whole);
  if (!valid) {
    throw new Fault(
      'corosync_conf_invalid',
      "Corosync would not start with this configuration, so it was not put in place. What it says is in 'stderr'; if it cannot open its key, set that first.",
      { command: { argv: ['corosync', '-t'], exitCode: null, stderr: output } },
    );
  }
  await replaceKeepingPrevious(corosyncConf, whole, 0o644);
  return maskConf(whole);
}

/** Faults: `invalid_request`, `corosync_conf_unreadable` */
async function withKey(host: CorosyncHost, text: string): Promise<string> {
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

/** The keys in a text, except those in comments. */
function keysIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const found = keyIn(line);
    return found && !found.isComment ? [found.value] : [];
  });
}

/** The text with the value of each line `key: VALUE` replaced; the rest stays the same to the byte. */
function withKeys(text: string, replacement: (found: KeyInLine) => string): string {
  return text
    .split('\n')
    .map((line) => {
      const found = keyIn(line);
      return found ? line.slice(0, found.start) + replacement(found) : line;
    })
    .join('\n');
}

/** The key in a line; its value extends from `start` to the end of the line. */
interface KeyInLine {
  start: number;
  value: string;
  isComment: boolean;
}

// Not by a regular expression: one that skips blanks before a word takes quadratic time for many blanks.
function keyIn(line: string): KeyInLine | undefined {
  const name = skip(line, 0, ' \t\r#');
  if (!line.startsWith('key', name)) return undefined;
  const colon = skip(line, name + 'key'.length, ' \t\r');
  if (line[colon] !== ':') return undefined;
  const start = skip(line, colon + 1, ' \t\r');
  if (start === line.length) return undefined;
  return { start, value: line.slice(start), isComment: line.slice(0, name).includes('#') };
}

/** The position of the first character that is not one of these. */
function skip(line: string, from: number, characters: string): number {
  let at = from;
  while (at < line.length && characters.includes(line.charAt(at))) at += 1;
  return at;
}

/** Checks the file of this node. Faults: as verifyCorosyncConf */
export async function verifyCorosyncConfFile(host: CorosyncHost): Promise<ConfVerdict> {
  const text = await readTextUpTo(host.paths.corosyncConf, maxBytes);
  return verifyCorosyncConf(host, text === false ? undefined : text);
}

/**
 * Makes corosync check a configuration (corosync(8), `-t`); it need not run. It would log "exiting normally" to the log file
 * of the running corosync, so it gets a copy that logs only to stderr.
 * @param text the configuration; undefined if there is none, or it is too large
 * Faults: `no_space` in memory, those of Run.
 */
export async function verifyCorosyncConf(
  { run, paths, readDeadlineMs }: CorosyncHost,
  text: string | undefined,
): Promise<ConfVerdict> {
  const verify = async (...file: string[]): Promise<ConfVerdict> => {
    const argv = ['corosync', '-t', ...file] as const;
    // 0: corosync would start with it. Any other code, mostly 8: it would not.
    const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: readDeadlineMs });
    return { valid: exitCode === 0, text: stdout + stderr };
  };
  // Without a readable file, corosync ends before it opens its log.
  if (text === undefined) return verify();
  const folder = dirname(paths.corosyncConf);
  return inMemoryFolder(memoryFolder, async (memory) => {
    const copy = join(memory, basename(paths.corosyncConf));
    await writeFile(copy, loggingToStderrAlone(text), { mode: 0o600 });
    // Corosync reads more of its configuration from the folder of the file.
    await symlink(join(folder, 'uidgid.d'), join(memory, 'uidgid.d'));
    const { valid, text: output } = await verify('-c', copy);
    return { valid, text: output.replaceAll(memory, folder) };
  });
}
