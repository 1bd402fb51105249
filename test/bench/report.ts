import { cpus } from 'node:os';

import { type Suite, suites } from '../lab/root.ts';
import { howRoutesAreMeasured } from './routes.ts';
import type { Findings } from './subject.ts';

/** The findings on one Debian. */
export interface Section {
  suite: Suite;
  machine: string;
  versions: string;
  findings: readonly Findings[];
}

/** A part of the document: subjects that are measured in one run. */
export interface Part {
  title: string;
  subjects: readonly string[];
  /** An explanation of its tables. */
  explained?: string;
}

export const parts: readonly Part[] = [
  {
    title: 'Reads',
    subjects: ['routes', 'status', 'load', 'start', 'changes'],
    explained: howRoutesAreMeasured,
  },
  { title: 'Changes', subjects: ['writes'] },
  { title: 'Memory and idle load', subjects: ['memory', 'idle'] },
  { title: 'Alphorn', subjects: ['alphorn'] },
];

const intro = `\`npm run bench\` writes this page, and fails if a bar is missed. The figures under one Debian come from one run, on the two nodes of a
storage topology. Machines differ, so compare ratios.`;

/** A part of the document with the findings of one run. */
export function report(part: Part, sections: readonly Section[]): string {
  return partText(part, new Map(sections.map((section) => [section.suite, sectionText(section)])));
}

/** docs/performance.md with these sections of a part replaced; all others stay the same, and other chapters come last. */
export function withSections(document: string, part: Part, sections: readonly Section[]): string {
  const texts = textsUnder('## ', document);
  const present = textsUnder('### ', texts.get(part.title) ?? '');
  for (const section of sections) present.set(section.suite, sectionText(section));
  texts.set(part.title, partText(part, present));
  const own = parts.map(({ title }) => title);
  const others = [...texts.keys()].filter((title) => !own.includes(title));
  const ordered = [...own, ...others].flatMap((title) => {
    const text = texts.get(title);
    return text === undefined ? [] : [`## ${title}\n\n${text}`];
  });
  return `${['# Performance', intro, ...ordered].join('\n\n')}\n`;
}

function partText({ explained }: Part, sections: ReadonlyMap<string, string>): string {
  const ordered = suites.flatMap((suite) => {
    const text = sections.get(suite);
    return text === undefined ? [] : [`### ${suite}\n\n${text}`];
  });
  return [...(explained ? [explained] : []), ...ordered].join('\n\n');
}

/** The text under each heading of that level. */
function textsUnder(level: '## ' | '### ', text: string): Map<string, string> {
  const [, ...present] = text.split(new RegExp(`^${level}`, 'm'));
  return new Map(
    present.map((each) => [
      each.slice(0, each.indexOf('\n')),
      each.slice(each.indexOf('\n') + 1).trim(),
    ]),
  );
}

export const allHeld = (sections: readonly Section[]): boolean =>
  sections.every(({ findings }) =>
    findings.every(({ figures }) => figures.every(({ held }) => held)),
  );

/** The section without its heading. */
function sectionText({ machine, versions, findings }: Section): string {
  const bars = findings.flatMap(({ figures }) =>
    figures.map(
      ({ what, measured, bar, held }) =>
        `| ${what} | ${measured} | ${bar}: ${held ? 'held' : 'MISSED'} |`,
    ),
  );
  const tables = findings.flatMap(({ table }) => (table ? ['', ...table] : []));
  return [
    versions,
    '',
    machine,
    '',
    '| What | Measured | Bar |',
    '|---|---|---|',
    ...bars,
    ...tables,
  ].join('\n');
}

/**
 * Describes the machine on which the figures were measured.
 * @param busy the share of the machine that was in use before the first measurement
 * @param clusters the number of clusters that were up
 */
export function machineText(busy: number, clusters: number): string {
  const others = clusters === 1 ? 'this cluster' : `${clusters} clusters`;
  return `Measured on ${cpus().length} cores, ${(busy * 100).toFixed(0)} % busy before the first measurement, with ${others} up.`;
}
