import type { Difference, Judgement } from './differences.ts';
import type { Exchanged } from './exchanges.ts';

export interface ReportOptions {
  /** Whether all versions were asked; otherwise rows may explain nothing. */
  isWhole: boolean;
  showsAll: boolean;
}

/** What was compared, as text, and whether the document explains all of it. */
export function besideReport(
  pairs: readonly Exchanged[],
  { explained, unexplained, unused }: Judgement,
  { isWhole, showsAll }: ReportOptions,
): { text: string; areHeld: boolean } {
  const wrong = isWhole ? unused : [];
  const equal = pairs.length - new Set([...explained, ...unexplained].map(keyOf)).size;
  const counts = new Map<string, number>();
  for (const { line } of explained) counts.set(line, (counts.get(line) ?? 0) + 1);
  const lines = [
    ...(showsAll ? explained.map((each) => `${each.line}: ${describe(each)}`) : []),
    ...unexplained.map((each) => `NOT EXPLAINED: ${describe(each)}`),
    ...wrong.map(
      ({ line, request, field }) =>
        `EXPLAINS NOTHING: line ${line}, ${String(request)} ${String(field)}`,
    ),
    '',
    ...[...counts].map(([line, count]) => `line ${line} of docs/amphora.md: ${count} differences`),
    `${pairs.length} exchanges, each with both agents; ${equal} kinds of them are equal`,
    `${explained.length} differences that the document explains, ${unexplained.length} that it does not, ${wrong.length} rows without one`,
  ];
  return { text: lines.join('\n'), areHeld: unexplained.length === 0 && wrong.length === 0 };
}

const keyOf = ({ moment, request }: Difference): string => `${moment} ${request}`;

const describe = ({ moment, request, field, real, ours }: Difference): string =>
  `${request} (${moment}), ${field}:\n    real ${shown(real)}\n    ours ${shown(ours)}`;

const shown = (value: string | undefined): string =>
  value === undefined ? '–' : JSON.stringify(value.slice(0, 600));
