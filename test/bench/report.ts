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

/** A part of the document: subjects that are measured in one run, on all Debians. */
export interface Part {
  title: string;
  subjects: readonly string[];
  /** What a reader has to know of its tables. */
  explained?: string;
}

export const parts: readonly Part[] = [
  {
    title: 'Reads',
    subjects: ['routes', 'status', 'load', 'start', 'changes'],
    explained: howRoutesAreMeasured,
  },
  { title: 'Changes', subjects: ['writes'] },
  { title: 'Memory, and at rest', subjects: ['memory', 'idle'] },
  { title: 'Alphorn', subjects: ['alphorn'] },
];

const intro = `# Performance

Written by \`npm run bench\`, which fails if a bar is missed. Each part was measured in one run, on nodes of two in the storage
topology; machines differ, so ratios count.
`;

/**
 * A part of the document, without its title.
 * @param busy which share of the machine was in use before the first measurement
 */
export function report(part: Part, sections: readonly Section[], busy: number): string {
  const machine = `On ${cpus().length} cores, of whose time ${(busy * 100).toFixed(0)} % was taken before the first measurement, with all the clusters up.`;
  return [
    machine,
    '',
    ...(part.explained ? [part.explained, ''] : []),
    ...sections.map(sectionText),
  ].join('\n');
}

/** The document docs/performance.md with another text of a part; the other parts stay as they are. */
export function withPart(document: string, { title }: Part, text: string): string {
  const [, ...present] = document.split(/^## /m);
  const texts = new Map(
    present.map((each) => [
      each.slice(0, each.indexOf('\n')),
      each.slice(each.indexOf('\n') + 1).trim(),
    ]),
  );
  texts.set(title, text.trim());
  const ordered = parts.flatMap((part) => {
    const own = texts.get(part.title);
    return own === undefined ? [] : [`## ${part.title}\n\n${own}\n`];
  });
  return [intro, ...ordered].join('\n');
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
    ...[`### ${suite}`, '', versions, ''],
    ...['| What | Measured | Bar |', '|---|---|---|', ...bars, ''],
    ...tables,
  ].join('\n');
}
