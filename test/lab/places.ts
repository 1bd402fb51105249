import { join } from 'node:path';
import { startDetached } from './detached.ts';
import type { LabRecord } from './record.ts';
import { machineOf } from './record.ts';
import type { Argv, Outcome, RunOptions } from './run.ts';
import { attempt, run } from './run.ts';

// A place is a network namespace of this machine with hosts of a lab that are no nodes, such as clients. Its processes
// and its files are those of this machine.

export interface PlaceWish {
  /** The bridge that it is plugged into. */
  readonly bridge: string;
  /** The name of its cable's end on this machine. It begins with the lab's bridge and `n`, so that it ends with the lab. */
  readonly veth: string;
  /** With their prefix lengths, such as `10.0.0.1/24`. */
  readonly addresses: readonly string[];
}

/** Makes a place of a lab, whose interface is `eth0` and up. */
export async function makePlace(lab: LabRecord, place: string, wish: PlaceWish): Promise<void> {
  const { bridge, veth, addresses } = wish;
  const netns = placeName(lab, place);
  const inside = ['ip', '-netns', netns] as const;
  await run(['ip', 'netns', 'add', netns]);
  await run(['ip', 'link', 'add', veth, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns]);
  await run([...inside, 'link', 'set', 'lo', 'up']);
  await run([...inside, 'link', 'set', 'eth0', 'up']);
  for (const address of addresses) {
    const quick = address.includes(':') ? ['nodad'] : [];
    await run([...inside, 'address', 'add', address, 'dev', 'eth0', ...quick]);
  }
  await run(['ip', 'link', 'set', veth, 'master', bridge, 'up']);
}

/** The name of a place's network namespace. */
export const placeName = (lab: Pick<LabRecord, 'name'>, place: string): string =>
  machineOf(lab.name, place);

/** Runs a command of this machine in a place. */
export const inPlace = (
  lab: LabRecord,
  place: string,
  argv: Argv,
  options: RunOptions = {},
): Promise<Outcome> => attempt(['ip', 'netns', 'exec', placeName(lab, place), ...argv], options);

/** Starts a command in a place that runs until the lab goes down. `part` names it and its log in the lab's folder. */
export const startInPlace = (
  lab: LabRecord,
  place: string,
  part: string,
  argv: Argv,
): Promise<void> =>
  startDetached(lab, part, ['ip', 'netns', 'exec', placeName(lab, place), ...argv], {
    logFile: join(lab.folder, `${part}.log`),
  });
