import type { Suite } from '../lab/root.ts';
import type { Findings } from './subject.ts';

/** What was found out on one Debian. */
export interface Section {
  suite: Suite;
  versions: string;
  findings: readonly Findings[];
}

const intro = `# Performance

Written by \`npm run bench\`, which fails if a bar is missed. All figures of a Debian were taken in one run, on one node of two in
the storage topology, on a machine that did nothing else; machines differ, so ratios count.

- cold: the first answer of an agent that was just started, so that nothing is kept (median of 5 starts), over an open connection.
- warm: the median of 200 requests, one after another, over one connection.
- \`cibadmin\`: \`cibadmin --query\` beside the cold answers. It, pcs and pcsd are timed in the node, without the way there.
- pcs and pcsd: the median of three, or one alone where that took more than 2 s. pcsd is asked over an open connection, as the
  agent is. Some tell less than the route, or far more; it is the nearest there is, and "–" where there is none. Each had 60 s.
- pcs / cold: how many times longer the fastest way of pcs takes than the cold answer.
`;

/** The document docs/performance.md. */
export function report(sections: readonly Section[]): string {
  return [intro, ...sections.map(sectionText)].join('\n');
}

export const allHeld = (sections: readonly Section[]): boolean =>
  sections.every(({ findings }) =>
    findings.every(({ figures }) => figures.every(({ held }) => held)),
  );

function sectionText({ suite, versions, findings }: Section): string {
  const bars = findings.flatMap(({ figures }) =>
    figures.map(
      ({ what, measured, bar, held }) =>
        `| ${what} | ${measured} | ${bar}: ${held ? 'held' : 'MISSED'} |`,
    ),
  );
  const tables = findings.flatMap(({ table }) => (table ? [...table, ''] : []));
  return [
    ...[`## ${suite}`, '', versions, ''],
    ...['| What | Measured | Bar |', '|---|---|---|', ...bars, ''],
    ...tables,
  ].join('\n');
}
