/** A line of a report. Without a bar, it is told only. */
export interface Row {
  what: string;
  measured: string;
  bar?: string;
  isHeld?: boolean;
}

export interface Report {
  /** Markdown. */
  text: string;
  areHeld: boolean;
}

export function reportOf(title: string, rows: readonly Row[]): Report {
  const lines = rows.map(({ what, measured, bar, isHeld = true }) => {
    const judged = bar === undefined ? '' : `${bar}: ${isHeld ? 'held' : 'MISSED'}`;
    return `| ${what} | ${measured} | ${judged} |`;
  });
  return {
    text: [`| ${title} | Measured | Bar |`, '|---|---|---|', ...lines].join('\n'),
    areHeld: rows.every(({ isHeld = true }) => isHeld),
  };
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
export const worst = (values: readonly number[]): number => Math.max(0, ...values);

/** The row of a bar that counts what must not happen at all. */
export const none = (what: string, problems: readonly string[]): Row => ({
  ...{ what, measured: [`${problems.length}`, ...new Set(problems)].join('; ').slice(0, 500) },
  ...{ bar: '0', isHeld: problems.length === 0 },
});
