/** How many generations of a host's liferaft are kept. A generation may meet several of these rules. */
export interface Retention {
  /** How many of the last ones, including the latest. */
  last: number;
  /** For how many hours one an hour is kept. */
  hours: number;
  /** For how many days one a day is kept. */
  days: number;
}

/** What the retention needs to know of a generation. */
export interface Generation {
  lineage: string;
  generation: number;
  digest: string;
  isLatest: boolean;
  /** Whether it has all essential files. */
  isWhole: boolean;
  /** When it was last known to be current, by the clock of this host: for a former one, when it was replaced. */
  until: Date;
}

const hourMs = 3600 * 1000;
const dayMs = 24 * hourMs;

/**
 * Decides which generations of one host stay.
 *
 * For each hour, and for each day, the first generation that was replaced in it is kept: the state of the host at its
 * beginning. Later changes in the same period never displace it. The time is that of the replacement, so that a state
 * that was current for weeks is not the first to go once it is replaced.
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
  // Time stands still while nothing is heard from the host. So its generations do not age when the host is lost for
  // weeks, or when the clock is ahead as the service starts.
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

/** The former ones, the newest first. The host's present lineage comes before those that it gave up. */
function byWorth<T extends Generation>(generations: readonly T[], latest: T | undefined): T[] {
  const isOfCount = ({ lineage }: T) => Number(lineage === latest?.lineage);
  return generations
    .filter(({ isLatest, digest }) => !isLatest && digest !== latest?.digest)
    .sort((a, b) => isOfCount(b) - isOfCount(a) || b.generation - a.generation);
}

/** The first generation that was replaced in each of the last periods. */
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
  // Times in the future, from before the clock was set back, are periods as well: a clock that is wrong for a while
  // must not merge all generations into one period. There may be any number of these, so the most important ones stay.
  return [...first.values()].slice(0, periods + 1);
}

function isBefore(a: Generation, b: Generation): boolean {
  const difference = a.until.getTime() - b.until.getTime();
  return difference < 0 || (difference === 0 && a.generation < b.generation);
}
