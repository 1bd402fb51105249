import { percentile } from '../bench/timing.ts';
import type { SeenGap, TakeOver } from './one-takeover.ts';
import { outages } from './outages.ts';

/** A try counts only if the machine did not stand still for longer than this meanwhile. */
export const maxLateMs = { takeOver: 50, comeBack: 25 } as const;

export interface Report {
  /** Markdown. */
  text: string;
  areHeld: boolean;
}

/** What a client has seen of take-overs. Those with a late witness are left out, and counted as such. */
export function takeOverReport(title: string, found: readonly TakeOver[]): Report {
  const rows = outages.flatMap((outage) => {
    const all = found.filter((each) => each.outage === outage.name);
    if (all.length === 0) return [];
    const back = outage.preempt ? 'the better host is back' : 'the host is back, and stays BACKUP';
    return [
      rowOf(
        outage.title,
        all.map((each) => each.takeOver),
        maxLateMs.takeOver,
      ),
      rowOf(
        `${outage.title}: ${back}`,
        all.map((each) => each.comeBack),
        maxLateMs.comeBack,
      ),
    ];
  });
  const head = [
    `| ${title} | Tries | Without an answer: p50, worst | Bar | Unanswered: worst | Left out, witness late |`,
    '|---|---|---|---|---|---|',
  ];
  return {
    text: [...head, ...rows.map(({ cells }) => `| ${cells.join(' | ')} |`)].join('\n'),
    areHeld: rows.every(({ isHeld }) => isHeld),
  };
}

function rowOf(title: string, all: readonly SeenGap[], maxMs: number) {
  const good = all.filter(({ lateMs }) => lateMs <= maxMs);
  const isHeld = good.length > 0 && good.every(({ ms, barMs }) => ms <= barMs);
  const times = good.map(({ ms }) => ms);
  const worst = Math.max(0, ...times);
  const bar = Math.max(0, ...all.map(({ barMs }) => barMs));
  const unanswered = Math.max(0, ...good.map((each) => each.unanswered));
  const middle = good.length === 0 ? '–' : `${text(percentile(times, 0.5))}, ${text(worst)}`;
  const cells = [
    ...[title, `${good.length}`, middle],
    ...[`${text(bar)}: ${isHeld ? 'held' : 'MISSED'}`, `${unanswered}`],
    `${all.length - good.length}`,
  ];
  return { cells, isHeld };
}

const text = (ms: number): string => (ms === 0 ? '0' : `${ms.toFixed(0)} ms`);
