import { ms } from '../../bench/timing.ts';
import type { Figure } from './figure.ts';

/** The figures as a table of docs/performance.md. */
export function figuresReport(figures: readonly Figure[]): { text: string; areHeld: boolean } {
  const lines = figures.map(({ what, real, ours, bar, isHeld, lateMs, repeated }) =>
    [
      what,
      real,
      ours,
      isHeld === undefined ? '' : `${bar}: ${isHeld ? 'held' : 'MISSED'}`,
      `${ms(lateMs)}, ${repeated}`,
    ].join(' | '),
  );
  const head = [
    "| What | Octavia's agent | ours | Bar | Witness late by, repeated tries |",
    '|---|---|---|---|---|',
  ];
  return {
    text: [...head, ...lines.map((line) => `| ${line} |`)].join('\n'),
    areHeld: figures.every(({ isHeld }) => isHeld !== false),
  };
}
