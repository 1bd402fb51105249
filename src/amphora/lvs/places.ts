import { join } from 'node:path';

import { namesIn } from '../../kit/files/files.ts';
import type { AmphoraPaths } from '../paths.ts';

/** The files of one LVS listener, with the names of Octavia's agent. */
export interface LvsPlaces {
  config: string;
  /** What is being checked. */
  candidate: string;
  refused: string;
  /** The process ids of the main process, its VRRP child and its checker. */
  pids: readonly string[];
  /** That of its checker alone. */
  checker: string;
}

export function lvsFolderOf({ base }: Pick<AmphoraPaths, 'base'>): string {
  return join(base, 'lvs');
}

export function lvsPlacesOf(paths: Pick<AmphoraPaths, 'base'>, id: string): LvsPlaces {
  const stem = join(lvsFolderOf(paths), `octavia-keepalivedlvs-${id}`);
  const checker = `${stem}.check.pid`;
  return {
    config: `${stem}.conf`,
    candidate: `${stem}.conf.new`,
    refused: `${stem}.conf.new-failed`,
    pids: [`${stem}.pid`, `${stem}.vrrp.pid`, checker],
    checker,
  };
}

/** The names of uploads whose check a kill has cut off. */
export async function lvsCandidates(paths: Pick<AmphoraPaths, 'base'>): Promise<string[]> {
  const names = await namesIn(lvsFolderOf(paths));
  return names.filter((name) => /^octavia-keepalivedlvs-[\w-]{1,64}\.conf\.new$/.test(name));
}

/** The ids of all LVS listeners, sorted. */
export async function lvsIds(paths: Pick<AmphoraPaths, 'base'>): Promise<string[]> {
  const names = await namesIn(lvsFolderOf(paths));
  return names
    .flatMap((name) => /^octavia-keepalivedlvs-([\w-]{1,64})\.conf$/.exec(name)?.[1] ?? [])
    .sort();
}
