import { cpus } from 'node:os';

import type { Suite } from '../lab/root.ts';
import { howRoutesAreMeasured } from './routes.ts';
import type { Findings } from './subject.ts';

/** What was found out on one Debian. */
export interface Section {
  suite: Suite;
  versions: string;
  findings: readonly Findings[];
}

const intro = (busy: number) => `# Performance

Written by \`npm run bench\`, which fails if a bar is missed. All figures of a Debian were taken in one run, on one node of two in
the storage topology; machines differ, so ratios count. This one has ${cpus().length} cores, and ${(busy * 100).toFixed(0)} % of their time was taken before the first
measurement, with all the clusters up.

${howRoutesAreMeasured}
`;

/**
 * The document docs/performance.md.
 * @param busy which share of the machine was in use before the first measurement
 */
export function report(sections: readonly Section[], busy: number): string {
  return [intro(busy), ...sections.map(sectionText)].join('\n');
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
