import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { namesIn } from '../../kit/files/files.ts';
import {
  type DriverConfigPlace,
  type DriverConfigProblem,
  readDriverConfig,
} from '../../parsers/haproxy/driver-config.ts';
import { rewriteFor } from '../../parsers/haproxy/rewrite.ts';
import type { Owner, Stored, Uploaded } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import type { Checks } from './checks.ts';
import { md5Of } from './owner-configs.ts';
import { type OwnerPlaces, placesOf } from './places.ts';
import {
  makePlainFolder,
  readPlainFile,
  removePlainFile,
  renamePlainFile,
  replacePlainFile,
} from './plain-files.ts';

export interface UploadParts {
  paths: AmphoraPaths;
  checks: Checks;
  /** The version of haproxy, which decides what is rewritten. */
  version: () => Promise<string>;
}

/**
 * Checks a configuration and puts it in place.
 *
 * INVARIANTS
 * - `haproxy.cfg` is a file that haproxy accepted, whole and at any moment.
 * - What came is stored under the MD5 of what was made of it, before that is put in place. So the two always belong
 *   together, whatever ends this process.
 *
 * Calls for one owner must not overlap.
 * Faults: `haproxy_config_refused`, `amphora_file_foreign`, `no_space`, those of checkConfig
 */
export async function uploadConfig(
  { paths, checks, version }: UploadParts,
  { id }: Owner,
  bytes: Buffer,
): Promise<Uploaded> {
  const places = placesOf(paths, id);
  await makePlainFolder(places.folder);
  let text: string;
  try {
    text = driverText(bytes, { ...paths, id });
  } catch (error) {
    await storeRefused(places, bytes);
    throw error;
  }
  const host = { version: await version(), stateFile: places.serversState };
  const rewritten = rewriteFor(text, host);
  const candidate = `${places.config}.new`;
  await removePlainFile(candidate);
  await replacePlainFile(candidate, rewritten, 0o600);
  await checkCandidate(checks, id, { candidate, text: rewritten });
  const original = originalName(rewritten);
  if (rewritten !== text) await replacePlainFile(join(places.folder, original), bytes, 0o600);
  await renamePlainFile(candidate, 'haproxy.cfg');
  await removePlainFile(places.refused);
  await removeOriginals(places, original);
  return { md5: md5Of(bytes) };
}

/**
 * The text of an upload.
 * Faults: `haproxy_config_refused` with each line that no driver writes
 */
export function driverText(bytes: Buffer, place: DriverConfigPlace): string {
  const text = textOf(bytes);
  if (text === undefined) throw refused('The file is not text in UTF-8.');
  const { problems } = readDriverConfig(text, place);
  if (problems.length > 0) throw refused(namesOf(problems));
  return text;
}

/** It stays for the operator. A full disk changes nothing about the refusal. */
async function storeRefused({ refused: path }: OwnerPlaces, bytes: Buffer): Promise<void> {
  try {
    await replacePlainFile(path, bytes, 0o600);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'no_space') throw error;
  }
}

async function checkCandidate(
  checks: Checks,
  id: string,
  { candidate, text }: { candidate: string; text: string },
): Promise<void> {
  try {
    const reasons = await checks.candidate(id, candidate, text);
    if (reasons === undefined) return;
    await renamePlainFile(candidate, 'haproxy.cfg.new-failed');
    throw refused(reasons);
  } catch (error) {
    await removePlainFile(candidate);
    throw error;
  }
}

/**
 * The configuration as it came. @returns undefined if there is none
 */
export async function storedConfig(
  paths: Pick<AmphoraPaths, 'base'>,
  { id }: Owner,
): Promise<Stored | undefined> {
  const places = placesOf(paths, id);
  const used = await readPlainFile(places.config);
  if (used === undefined) return undefined;
  const original = await readPlainFile(join(places.folder, originalName(used)));
  const bytes = original ?? used;
  return { bytes, md5: md5Of(bytes) };
}

const originalPattern = /^uploaded-[0-9a-f]{32}\.cfg$/;

/** The name of the upload of which this configuration was made. */
function originalName(used: Buffer | string): string {
  return `uploaded-${md5Of(used)}.cfg`;
}

/** Removes the uploads of former configurations. */
async function removeOriginals({ folder }: OwnerPlaces, except: string): Promise<void> {
  const names = (await namesIn(folder)).filter((name) => originalPattern.test(name));
  for (const name of names) if (name !== except) await removePlainFile(join(folder, name));
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function namesOf(problems: readonly DriverConfigProblem[]): string {
  return problems.map(({ line, reason }) => `Line ${line}: ${reason}`).join('\n');
}

/** What an upload gets that cannot be used. */
export function refused(reasons: string): Fault {
  return new Fault('haproxy_config_refused', reasons);
}
