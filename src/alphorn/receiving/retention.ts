/** How many generations of a host's liferaft are kept. What several of these keep is kept once. */
export interface Retention {
  /** The last ones, the latest among them. */
  last: number;
  /** For how many hours one an hour is kept. */
  hours: number;
  /** For how many days one a day is kept. */
  days: number;
}

/** A generation of a host's liferaft, as far as it matters for how long it is kept. */
export interface Generation {
  lineage: string;
  generation: number;
  digest: string;
  isLatest: boolean;
  /** Whether it has all that its host cannot be brought back without. */
  isWhole: boolean;
  /** When its host was last known to be so, by the clock of this host: of a former one, until it was replaced. */
  until: Date;
}

const hourMs = 3600 * 1000;
const dayMs = 24 * hourMs;

/**
 * Decides which generations of one host stay.
 *
 * An hour keeps the first generation that was replaced in it, and a day too: what the host was when it began. However
 * many changes come within it, they push that one out neither now nor later. The time is that of the replacement, not
 * of the making, so that what held for weeks is not the first to go when it is replaced.
 *
 * INVARIANTS
 * - The latest stays.
 * - If the latest is not whole, the newest whole one stays, whatever its age and number.
 * - No more than `last + (hours + 1) + (days + 1) + 1` stay, whatever the clock does.
 */
export function generationsToKeep<T extends Generation>(
  generations: readonly T[],
  { last, hours, days }: Retention,
  now: Date,
): Set<T> {
  const latest = generations.find(({ isLatest }) => isLatest);
  const former = byWorth(generations, latest);
  // While nothing is heard of the host nothing takes the place of what it was, so that does not grow old: neither when
  // the host is lost for weeks, nor by a clock that is ahead when the service starts.
  const heardAt = Math.max(...generations.map(({ until }) => until.getTime()));
  const atMs = Math.min(now.getTime(), heardAt);
  const newestWhole = latest?.isWhole ? undefined : former.find(({ isWhole }) => isWhole);
  return new Set([
    ...(latest ? [latest] : []),
    ...former.slice(0, last - 1),
    ...(newestWhole ? [newestWhole] : []),
    ...firstOfEach(former, hourMs, hours, atMs),
    ...firstOfEach(former, dayMs, days, atMs),
  ]);
}

/** The former ones: those that the host still counts with before those of a count that it gave up, the newest first. */
function byWorth<T extends Generation>(generations: readonly T[], latest: T | undefined): T[] {
  const isOfCount = ({ lineage }: T) => Number(lineage === latest?.lineage);
  return generations
    .filter(({ isLatest, digest }) => !isLatest && digest !== latest?.digest)
    .sort((a, b) => isOfCount(b) - isOfCount(a) || b.generation - a.generation);
}

/** The first generation that was replaced in each period, as far back as so many periods. */
function firstOfEach<T extends Generation>(
  former: readonly T[],
  periodMs: number,
  periods: number,
  nowMs: number,
): T[] {
  if (periods === 0) return [];
  const first = new Map<number, T>();
  for (const each of former) {
    const at = each.until.getTime();
    if (nowMs - at >= periods * periodMs) continue;
    const period = Math.floor(at / periodMs);
    const other = first.get(period);
    if (other === undefined || isBefore(each, other)) first.set(period, each);
  }
  // Times that are still to come, of a clock that was put back since, are periods too: a clock that is wrong for a while
  // must not make one of all. As there may be any number of them, those that matter most stay.
  return [...first.values()].slice(0, periods + 1);
}

function isBefore(a: Generation, b: Generation): boolean {
  const difference = a.until.getTime() - b.until.getTime();
  return difference < 0 || (difference === 0 && a.generation < b.generation);
}
