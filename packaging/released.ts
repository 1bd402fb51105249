import { readFile } from 'node:fs/promises';

/** The last release, as packaging/released.json names it. */
export interface Release {
  version: string;
  /** The whole hash of the commit that its package is built from. */
  commit: string;
  /**
   * By a path below /usr/lib/ha-agent where the release has code that may still be loaded while its package is upgraded:
   * the path where this version has it.
   */
  moved: Readonly<Record<string, string>>;
}

export async function lastRelease(): Promise<Release> {
  return JSON.parse(await readFile(new URL('released.json', import.meta.url), 'utf8')) as Release;
}
