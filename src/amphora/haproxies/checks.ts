import { join } from 'node:path';

import { type ConfigCheck, checkConfig } from '../../haproxy/check.ts';
import type { Run } from '../../kit/exec.ts';
import { lstatIfThere, namesIn } from '../../kit/files/files.ts';
import type { AmphoraPaths } from '../paths.ts';
import { placesOf, sharedPlacesOf } from './places.ts';
import { readPlainFile } from './plain-files.ts';

/** How haproxy is asked about a file. */
export type CheckParts = Pick<ConfigCheck, 'peer' | 'inNamespace' | 'deadlineMs'> & { run: Run };

export interface Checks {
  /**
   * Asks haproxy about a file that is to become the configuration of an owner, by a rename.
   * @returns the reasons of a refusal
   * Faults: those of checkConfig
   */
  candidate(id: string, file: string, text: string): Promise<string | undefined>;
  /**
   * Asks haproxy about the configuration of an owner, unless it has just accepted this file with these certificates: a
   * check of 500 listeners takes as long as their reload.
   * @returns the reasons of a refusal
   * Faults: those of checkConfig
   */
  current(id: string): Promise<string | undefined>;
}

/** Milliseconds for which haproxy's word counts. Its version may change. */
const maxAgeMs = 60_000;

export function makeChecks(paths: AmphoraPaths, { run, ...how }: CheckParts): Checks {
  const accepted = new Map<string, { stamp: string; at: number }>();
  const { checkFile: overrides } = sharedPlacesOf(paths);

  /** Changes with the file and with any certificate of the owner. A rename keeps it. */
  async function stampOf(id: string, file: string): Promise<string> {
    const folder = join(paths.certificates, id);
    const certificates = (await namesIn(folder)).sort().map((name) => join(folder, name));
    const stamps = [file, ...certificates].map(async (path) => {
      const found = await lstatIfThere(path);
      const name = path === file ? '' : path;
      return `${name}:${found?.ino ?? ''}:${found?.mtimeMs ?? ''}:${found?.size ?? ''}`;
    });
    return (await Promise.all(stamps)).join('\n');
  }

  async function ask(id: string, file: string, text: string): Promise<string | undefined> {
    const stamp = await stampOf(id, file);
    const reasons = await checkConfig(run, { ...how, file, overrides, text });
    accepted.delete(id);
    if (reasons === undefined) accepted.set(id, { stamp, at: performance.now() });
    return reasons;
  }

  function forgetOld(): void {
    for (const [id, { at }] of accepted) {
      if (performance.now() - at > maxAgeMs) accepted.delete(id);
    }
  }

  return {
    candidate: ask,
    async current(id) {
      forgetOld();
      const { config } = placesOf(paths, id);
      if (accepted.get(id)?.stamp === (await stampOf(id, config))) return undefined;
      return ask(id, config, (await readPlainFile(config))?.toString('utf8') ?? '');
    },
  };
}
