import { readLine, type LineProblem } from './line.ts';

/** A line with words, and its number, counted from 1. */
export interface ConfigLine {
  line: number;
  tokens: readonly [string, ...string[]];
}

/** A section: `global`, `frontend NAME` … */
export interface ConfigSection {
  keyword: string;
  /** The words after the keyword. */
  args: readonly string[];
  line: number;
  lines: readonly ConfigLine[];
}

export interface ConfigProblem {
  line: number;
  kind: LineProblem | 'variable' | 'condition' | 'outside';
}

export interface HaproxyConfig {
  sections: readonly ConfigSection[];
  /** What haproxy would refuse, or would read differently in another environment. They never quote the file. */
  problems: readonly ConfigProblem[];
}

/** Every keyword that begins a section in haproxy 2.2 to 3.2 (REGISTER_CONFIG_SECTION in its source). */
const sectionKeywords = new Set([
  'acme',
  'backend',
  'cache',
  'crt-store',
  'defaults',
  'dynamic-update',
  'fcgi-app',
  'frontend',
  'global',
  'http-errors',
  'listen',
  'log-forward',
  'log-profile',
  'mailers',
  'namespace_list',
  'peers',
  'program',
  'resolvers',
  'ring',
  'snmp',
  'traces',
  'userlist',
]);

/**
 * Reads haproxy.cfg into its sections. A line that cannot be read is left out and is a problem.
 * @param text the whole file
 */
export function readConfig(text: string): HaproxyConfig {
  const sections: (ConfigSection & { lines: ConfigLine[] })[] = [];
  const problems: ConfigProblem[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const read = readLine(raw);
    const [keyword, ...args] = read.tokens;
    const kind = problemOf(keyword, read, sections.length > 0);
    if (kind !== undefined) problems.push({ line, kind });
    else if (keyword === undefined) continue;
    else if (sectionKeywords.has(keyword)) sections.push({ keyword, args, line, lines: [] });
    else sections.at(-1)?.lines.push({ line, tokens: [keyword, ...args] });
  }
  return { sections, problems };
}

function problemOf(
  keyword: string | undefined,
  read: ReturnType<typeof readLine>,
  isInSection: boolean,
): ConfigProblem['kind'] | undefined {
  if (read.problem !== undefined) return read.problem;
  if (read.hasVariable) return 'variable';
  // haproxy evaluates these before anything else, since 2.4: .if, .elif, .else, .endif, .notice, .warning, .alert, .diag
  if (keyword?.startsWith('.')) return 'condition';
  if (keyword !== undefined && !isInSection && !sectionKeywords.has(keyword)) return 'outside';
  return undefined;
}
