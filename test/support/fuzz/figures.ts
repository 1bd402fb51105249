import type { FuzzOutcome } from './outcome.ts';

/** Describes the result of a run in one line. */
export function figuresOf(seed: number, outcome: FuzzOutcome, seconds: number): string {
  const { requests, statuses, families, commands, rows, growth, findings } = outcome;
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    `seed ${seed}: ${requests} requests in ${Math.round(seconds)} s`,
    `answers: ${list(statuses)}`,
    `families: ${list(families)}`,
    `rows: ${rows.all}, asked ${rows.asked}, with a 2xx ${rows.well}`,
    `commands: ${commands}`,
    `memory: ${growth < 0 ? '' : '+'}${(growth / 1024 / 1024).toFixed(1)} MiB`,
    `findings: ${findings.length}`,
  ].join('; ');
}
