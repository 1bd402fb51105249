import {
  readConfig,
  type ConfigProblem,
  type ConfigSection,
  type HaproxyConfig,
} from './config.ts';
import { modelOf, type DriverModel } from './model.ts';
import { nameOf, vocabularyOf } from './vocabulary/sections.ts';
import { refusal, type DriverConfigPlace } from './vocabulary/shapes.ts';

export { isInternalProxy } from './vocabulary/prometheus.ts';
export type { DriverBackend, DriverFrontend, DriverPeers, DriverServer } from './model.ts';
export type { DriverConfigPlace } from './vocabulary/shapes.ts';

/** A line that no driver writes. It has no text of the file, which may hold secrets. */
export interface DriverConfigProblem {
  /** Counted from 1. */
  line: number;
  /** The directive, out of a fixed list, and what is wrong with it. */
  reason: string;
}

/** The haproxy.cfg of a driver: what it sets up, and what no driver would have written. */
export interface DriverConfig extends DriverModel {
  /** At most 50, in the order of lines. */
  problems: readonly DriverConfigProblem[];
}

const maxProblems = 50;

const unreadable: Readonly<Record<ConfigProblem['kind'], string>> = {
  quote: 'A quote does not end on this line.',
  escape: "'\\x' is not followed by two hexadecimal digits.",
  control: 'The line has a control character.',
  variable: 'The line has an environment variable, which no driver writes.',
  condition: 'The line has a directive of the preprocessor, which no driver writes.',
  outside: 'The line is outside of any section.',
};

/**
 * Reads the haproxy.cfg of a driver, and compares each line with what drivers write: `daemon` to `server`, in their
 * sections, with arguments of the right form. What no driver writes is a problem, because a controller may write what
 * its tenants made up (OSSA-2026-039). haproxy must not see a file with problems: `haproxy -c` already runs Lua.
 *
 * The vocabulary is that of the templates of Octavia: octavia/common/jinja/haproxy from Mitaka to 16.0.
 * @param text as it was uploaded
 */
export function readDriverConfig(text: string, place: DriverConfigPlace): DriverConfig {
  const excess = excessOf(text);
  if (excess) return { ...modelOf([]), problems: [excess] };
  const config = readConfig(text);
  const problems = problemsOf(config, place);
  return { ...modelOf(config.sections), problems: problems.slice(0, maxProblems) };
}

/**
 * Reads what a configuration of a driver configures, without comparing its lines with what drivers write.
 * @param text as it was accepted
 */
export function readDriverModel(text: string): DriverModel {
  return modelOf(excessOf(text) ? [] : readConfig(text).sections);
}

/** Eight times what 500 listeners need. More would hold up the process that reads them. */
const maxLines = 100_000;
/** The longest line of a driver, an expectation of statuses, has some 4100 characters. */
const maxLineLength = 16_384;

/** The first line that no driver reaches, by its number or its length. */
function excessOf(text: string): DriverConfigProblem | undefined {
  let start = 0;
  for (let line = 1; start <= text.length; line += 1) {
    if (line > maxLines) return { line, reason: `There are more than ${maxLines} lines.` };
    const end = text.indexOf('\n', start);
    const length = (end < 0 ? text.length : end) - start;
    if (length > maxLineLength) {
      return { line, reason: `The line has more than ${maxLineLength} characters.` };
    }
    start += length + 1;
  }
  return undefined;
}

function problemsOf(
  { sections, problems }: HaproxyConfig,
  place: DriverConfigPlace,
): DriverConfigProblem[] {
  return [
    ...problems.map(({ line, kind }) => ({ line, reason: unreadable[kind] })),
    ...sections.flatMap((section) => problemsIn(section, place)),
    ...problemsOfWhole(sections),
  ].sort((a, b) => a.line - b.line);
}

function problemsIn(section: ConfigSection, place: DriverConfigPlace): DriverConfigProblem[] {
  const vocabulary = vocabularyOf(section, place);
  const title = `Section '${section.keyword}'`;
  if (typeof vocabulary === 'string') {
    return [{ line: section.line, reason: `${title}: ${vocabulary}.` }];
  }
  return section.lines.flatMap(({ line, tokens }) => {
    const [directive] = tokens;
    const shapes = Object.hasOwn(vocabulary, directive) ? vocabulary[directive] : undefined;
    const reason = shapes
      ? refusal(tokens, shapes, place)
      : `no driver writes it into this section`;
    return reason === undefined
      ? []
      : [{ line, reason: `${title}, ${nameOf(directive)}: ${reason}.` }];
  });
}

/** Drivers write one section `global` and one `defaults`, one stats socket, and no process that runs as root. */
function problemsOfWhole(sections: readonly ConfigSection[]): DriverConfigProblem[] {
  const again = ['global', 'defaults'].flatMap((keyword) =>
    sections
      .filter((section) => section.keyword === keyword)
      .slice(1)
      .map(({ line }) => ({ line, reason: `Section '${keyword}': it is there more than once.` })),
  );
  const global = sections.find(({ keyword }) => keyword === 'global');
  const [, ...sockets] = global?.lines.filter(({ tokens }) => tokens[0] === 'stats') ?? [];
  const found = [
    ...again,
    ...sockets.map(({ line }) => ({
      line,
      reason: "Section 'global', 'stats': there is more than one stats socket.",
    })),
  ];
  if (global?.lines.some(({ tokens }) => tokens[0] === 'user')) return found;
  const reason = "Section 'global': 'user nobody' is missing, so haproxy would run as root.";
  return [...found, { line: global?.line ?? 1, reason }];
}
