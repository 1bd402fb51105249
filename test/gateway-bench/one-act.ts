import { setTimeout as sleep } from 'node:timers/promises';

import type { Witness } from '../amphora-bench/figures/witness.ts';
import type { Gateway } from '../gateway-system/bench.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Away, Chosen } from './acts.ts';
import { now } from './asks.ts';
import { type Reading, readingsOf } from './reader.ts';
import type { Said, Watching } from './watching.ts';
import { wrongTimes } from './wrong.ts';

export interface ActResult {
  kind: 'act';
  act: string;
  /** For each change on a host in reach, how long the API said something else. */
  delays: number[];
  /** The same for a host that is in reach again, from its first answer on. */
  back: number[];
  away?: AwayResult;
  lateMs: number;
  problems: string[];
}

/** About a host that nobody could reach. */
export interface AwayResult {
  /** How long it was away. */
  ms: number;
  /** When the API said last that it is something, after it was away. */
  knownMs: number;
  /** How long the API said that it is MASTER besides another one, until it was in reach again. */
  twoMasters: number;
}

export interface Watched {
  gateway: Gateway;
  watching: Watching;
  group: number;
  witness: Witness;
}

/** Lets something happen, waits until all is well, and compares what the API said with the readings on the hosts. */
export async function actOnce(watched: Watched, { act, index }: Chosen): Promise<ActResult> {
  const { gateway, watching, group, witness } = watched;
  const { nodes } = gateway.lab;
  const startedAt = performance.now();
  const from = now();
  // A power cut takes what was read before.
  const before = await Promise.all(nodes.map(readingsOf));
  const away = await act.play(gateway, group, index);
  const problems: string[] = [];
  await settles(watched, away?.to ?? now()).catch((error: unknown) => {
    problems.push((error as Error).message);
  });
  const to = now();
  const after = await Promise.all(nodes.map(readingsOf));
  const lateMs = witness.worstSince(startedAt);
  const hosts = nodes.map((_, at) => {
    const readings = merged(before[at] ?? [], after[at] ?? []);
    const isAway = away?.index === at;
    const span = { index: at, from: isAway ? away.to : from, to };
    return { isAway, delays: delaysOf(readings, watching.said, span) };
  });
  return {
    ...{ kind: 'act', act: act.name, lateMs, problems },
    delays: hosts.filter(({ isAway }) => !isAway).flatMap(({ delays }) => delays),
    back: hosts.filter(({ isAway }) => isAway).flatMap(({ delays }) => delays),
    ...(away && { away: awayOf(away, watching.said) }),
  };
}

function merged(before: readonly Reading[], after: readonly Reading[]): Reading[] {
  const known = new Set(after.map(({ at }) => at));
  return [...before.filter(({ at }) => !known.has(at)), ...after].toSorted((a, b) => a.at - b.at);
}

function delaysOf(
  readings: readonly Reading[],
  said: readonly Said[],
  span: { index: number; from: number; to: number },
): number[] {
  const inSpan = readings.filter(({ at }) => at > span.from && at <= span.to);
  const changes = inSpan.filter(
    ({ at, status }) => readings.findLast((each) => each.at < at)?.status !== status,
  );
  const wrong = wrongTimes(readings, said, span).map(({ ms }) => ms);
  const right = Math.max(0, changes.length - wrong.length);
  return [...wrong, ...Array.from({ length: right }, () => 0)];
}

function awayOf({ index, from, to }: Away, all: readonly Said[]): AwayResult {
  const said = all.filter(({ at }) => at >= from && at < to);
  const known = said.findLast(({ statuses }) => statuses[index] !== 0);
  const two = said.filter(
    ({ statuses }) =>
      statuses[index] === 1 && statuses.some((each, at) => at !== index && each === 1),
  );
  const first = two[0]?.at ?? 0;
  return {
    ms: to - from,
    knownMs: (known?.at ?? from) - from,
    twoMasters: (two.at(-1)?.at ?? first) - first + (two.length > 0 ? 50 : 0),
  };
}

/** Waits until the API says what is so, of one MASTER, for as long as an election may take. */
async function settles({ gateway, watching }: Watched, since: number): Promise<void> {
  let wellSince = Infinity;
  await waitUntil(
    'the API to say what is so',
    async () => {
      const lists = await Promise.all(gateway.lab.nodes.map(readingsOf));
      const last = lists.map((list) => list.at(-1));
      const said = watching.said.at(-1);
      const isWell =
        said !== undefined &&
        said.at > since &&
        last.filter((each) => each?.status === 1).length === 1 &&
        last.every(
          (each, at) =>
            each !== undefined &&
            each.status > 0 &&
            each.status === said.statuses[at] &&
            each.hasAddress === (each.status === 1),
        );
      wellSince = isWell ? Math.min(wellSince, now()) : Infinity;
      return now() - wellSince > 2500;
    },
    { deadlineMs: 60_000, everyMs: 250 },
  );
  await sleep(Math.random() * 500);
}
