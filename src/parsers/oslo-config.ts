export type OsloProblemKind =
  | 'no separator'
  | 'empty key'
  | 'unexpected continuation'
  | 'section without end'
  | 'section without name'
  | 'setting before section';

/** Why a line cannot be read. It has no text of the line, which may be a secret. */
export interface OsloProblem {
  /** Counted from 1. */
  line: number;
  kind: OsloProblemKind;
}

/** All values of each key of each section, in the order of the file. */
export type OsloSections = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface OsloConfig {
  /** By the name by which oslo.config looks it up: in lower case, except `DEFAULT`. */
  sections: OsloSections;
  /** oslo.config reads nothing of a text that has any. */
  problems: readonly OsloProblem[];
}

interface Setting {
  key: string;
  lines: string[];
  line: number;
}

type Line =
  | { kind: 'blank' | 'comment' }
  | { kind: 'continuation'; text: string }
  | { kind: 'section'; name: string }
  | { kind: 'setting'; key: string; value: string }
  | { kind: 'problem'; problem: OsloProblemKind };

/**
 * Reads an INI text by the rules of oslo.config (oslo_config/iniparser.py, and `ConfigParser` in oslo_config/cfg.py). A
 * line that begins with a blank or tab continues the value of the line before, even if it looks like a comment.
 * @returns for a key that is repeated all its values, the last one last
 */
export function parseOsloConfig(text: string): OsloConfig {
  const sections = new Map<string, Map<string, string[]>>();
  const problems: OsloProblem[] = [];
  let section: Map<string, string[]> | undefined;
  let open: Setting | undefined;
  const finish = () => {
    if (open && section) {
      const values = section.get(open.key) ?? [];
      values.push(open.lines.join('\n'));
      section.set(open.key, values);
    } else if (open) {
      problems.push({ line: open.line, kind: 'setting before section' });
    }
    open = undefined;
  };
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const found = readLine(raw);
    const line = index + 1;
    if (found.kind === 'continuation') {
      if (open) open.lines.push(found.text);
      else problems.push({ line, kind: 'unexpected continuation' });
      continue;
    }
    finish();
    if (found.kind === 'section') section = sectionOf(sections, found.name);
    else if (found.kind === 'setting') open = { key: found.key, lines: [found.value], line };
    else if (found.kind === 'problem') problems.push({ line, kind: found.problem });
  }
  finish();
  return { sections, problems };
}

/** The value of an option that takes one value: the last one in the file. */
export function osloValue(sections: OsloSections, section: string, key: string) {
  return sections.get(lookedUp(section))?.get(key)?.at(-1);
}

function lookedUp(section: string): string {
  return section === 'DEFAULT' ? section : section.toLowerCase();
}

function sectionOf(sections: Map<string, Map<string, string[]>>, name: string) {
  const known = sections.get(lookedUp(name));
  if (known) return known;
  const made = new Map<string, string[]>();
  sections.set(lookedUp(name), made);
  return made;
}

function readLine(raw: string): Line {
  const line = pythonTrimEnd(raw);
  if (line === '') return { kind: 'blank' };
  if (line.startsWith(' ') || line.startsWith('\t')) {
    return { kind: 'continuation', text: pythonTrimStart(line) };
  }
  if (line.startsWith('[')) return readSection(line);
  if (line.startsWith('#') || line.startsWith(';')) return { kind: 'comment' };
  return readSetting(line);
}

function readSection(line: string): Line {
  if (!line.endsWith(']')) return { kind: 'problem', problem: 'section without end' };
  if (line.length <= 2) return { kind: 'problem', problem: 'section without name' };
  return { kind: 'section', name: line.slice(1, -1) };
}

function readSetting(line: string): Line {
  const separators = [line.indexOf(':'), line.indexOf('=')].filter((at) => at >= 0);
  if (separators.length === 0) return { kind: 'problem', problem: 'no separator' };
  const at = Math.min(...separators);
  const key = pythonTrim(line.slice(0, at));
  if (key === '') return { kind: 'problem', problem: 'empty key' };
  return { kind: 'setting', key, value: unquoted(pythonTrim(line.slice(at + 1))) };
}

function unquoted(value: string): string {
  const first = value.charAt(0);
  if (first !== '"' && first !== "'") return value;
  return value.endsWith(first) ? value.slice(1, -1) : value;
}

/** The characters that Python's `str.strip` removes. JavaScript's `trim` differs in some. */
const pythonBlanks = new Set(
  [
    '\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005',
    '\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
  ].join(''),
);

function pythonTrim(text: string): string {
  return pythonTrimStart(pythonTrimEnd(text));
}

// Not by a regular expression, which would take quadratic time for a line of blanks.
function pythonTrimStart(text: string): string {
  let start = 0;
  while (start < text.length && pythonBlanks.has(text.charAt(start))) start += 1;
  return text.slice(start);
}

function pythonTrimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && pythonBlanks.has(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
