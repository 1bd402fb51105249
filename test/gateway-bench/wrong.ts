import type { Reading } from './reader.ts';
import type { Said } from './watching.ts';

/** A time in which the API said something else than was so. */
export interface Wrong {
  from: number;
  ms: number;
  said: number;
  was: number;
}

/**
 * The times in which the API was wrong about one host, each counted from the last change of what was so.
 * @param readings of the host, by time
 * @param index of the host in what the API said
 */
export function wrongTimes(
  readings: readonly Reading[],
  said: readonly Said[],
  { index, from, to }: { index: number; from: number; to: number },
): Wrong[] {
  const found: Wrong[] = [];
  let open: Wrong | undefined;
  for (const { at, statuses } of said) {
    if (at < from || at > to) continue;
    const reading = readings.findLast((each) => each.at <= at);
    const status = statuses[index] ?? -1;
    if (reading === undefined || reading.status === status) {
      if (open) open.ms = at - open.from;
      open = undefined;
      continue;
    }
    if (open?.was !== reading.status) {
      const begin = Math.max(from, reading.at, lastRight(said, index, reading.status, at));
      open = { from: begin, ms: 0, said: status, was: reading.status };
      found.push(open);
    }
    open.ms = at - open.from;
  }
  return found;
}

/** When the API said last before a time what was so. */
function lastRight(said: readonly Said[], index: number, status: number, before: number): number {
  return said.findLast(({ at, statuses }) => at < before && statuses[index] === status)?.at ?? 0;
}
