import type { Suite } from '../lab/root.ts';
import { median } from '../bench/timing.ts';
import type { TryResult } from './one-try.ts';
import { outages } from './outages.ts';

export interface Report {
  /** Markdown. */
  text: string;
  areHeld: boolean;
}

/**
 * The times without service of each outage.
 * @param maxLateMs tries in which the machine stood still for longer are repeated, and counted as such
 */
export function failoverReport(
  suite: Suite,
  tries: readonly TryResult[],
  maxLateMs: number,
): Report {
  const drivers = [...new Set(tries.map(({ driver }) => driver))];
  const rows = drivers.flatMap((driver) =>
    outages.flatMap((outage) => {
      const all = tries.filter((each) => each.driver === driver && each.outage === outage.name);
      return all.length === 0
        ? []
        : [rowOf(`${outage.title}, driver of ${driver}`, all, maxLateMs)];
    }),
  );
  const lines = rows.map(({ cells }) => `| ${cells.join(' | ')} |`);
  const head = [
    `### ${suite}`,
    '',
    '| Outage | Tries | Without service: median, worst | Bar | Failed requests: median, worst | Failed while the host came back: worst | Repeated |',
    '|---|---|---|---|---|---|---|',
  ];
  const problems = rows.flatMap((row) => row.problems.map((problem) => `- ${problem}`));
  return {
    text: [...head, ...lines, ...(problems.length > 0 ? ['', ...problems] : [])].join('\n'),
    areHeld: problems.length === 0,
  };
}

function rowOf(title: string, all: readonly TryResult[], maxLateMs: number) {
  const good = all.filter(({ lateMs }) => lateMs <= maxLateMs);
  const counted = good.length > 0 ? good : all;
  const down = counted.map(({ downMs }) => downMs);
  const failed = counted.map((each) => each.failed);
  const worst = Math.max(...down);
  const bar = Math.max(...counted.map(({ barMs }) => barMs));
  const problems = counted.flatMap((each) =>
    each.problems.map((problem) => `${title}: ${problem}`),
  );
  const cells = [
    title,
    counted.length,
    `${seconds(median(down))}, ${seconds(worst)}`,
    `${seconds(bar)}: ${problems.length === 0 ? 'held' : 'MISSED'}`,
    `${median(failed)}, ${Math.max(...failed)}`,
    Math.max(...counted.map(({ failedAfterRepair }) => failedAfterRepair)),
    all.length - counted.length,
  ];
  return { cells, problems };
}

const seconds = (ms: number): string => (ms === 0 ? '0' : `${(ms / 1000).toFixed(2)} s`);
