import { Fault } from '../../kit/fault.ts';

/** A line `key: value` of corosync.conf. */
export interface CorosyncSetting {
  key: string;
  value: string;
}

/** A section of corosync.conf, or the whole file, which has an empty name. Its content is in file order. */
export interface CorosyncSection {
  name: string;
  content: readonly (CorosyncSetting | CorosyncSection)[];
}

/** A setting and its line, counted from 0. */
export interface LocatedSetting extends CorosyncSetting {
  line: number;
}

/** A section with its first and last line. */
export interface LocatedSection extends CorosyncSection {
  content: readonly (LocatedSetting | LocatedSection)[];
  from: number;
  to: number;
}

type Line = CorosyncSetting | { opens: string } | 'close' | 'nothing';

/** The max length of a key in icmap (ICMAP_KEYNAME_MAXLEN): the names down to a setting, joined by dots. */
export const maxCorosyncPathLength = 255;

/**
 * Reads corosync.conf by the rules of corosync's own parser (coroparse.c, corosync.conf(5)). A line is blank, a comment
 * (`#` first), `name {`, `}` or `key: value`. Leading and trailing blanks are ignored. A value may contain blanks, colons
 * and `#`.
 * @returns the whole file. Syntax that corosync refuses since 3.1 is read as older versions read it: text after `{` and
 *   around `}` is ignored, and so is a line without separators. `corosync -t` is the judge.
 * @throws Fault `corosync_conf_unreadable` if sections are nested deeper than corosync has names for
 */
export function parseCorosyncConf(text: string): CorosyncSection {
  return withoutLines(locateCorosyncConf(text));
}

/**
 * The same, with the lines of each setting and section, so that an edit of a file leaves all other lines as they are.
 * @throws Fault `corosync_conf_unreadable`, as parseCorosyncConf
 */
export function locateCorosyncConf(text: string): LocatedSection {
  const lines = text.split('\n');
  const last = lines.length - 1;
  const sectionAt = (name: string, from: number) => ({
    name,
    from,
    to: last,
    content: [] as (LocatedSetting | LocatedSection)[],
  });
  const root = sectionAt('', 0);
  const open: (typeof root)[] = [];
  let pathLength = 0;
  for (const [number, raw] of lines.entries()) {
    const line = readLine(raw);
    const current = open.at(-1) ?? root;
    if (line === 'nothing') continue;
    if (line === 'close') {
      const closed = open.pop();
      if (!closed) continue;
      closed.to = number;
      pathLength -= closed.name.length + 1;
    } else if ('opens' in line) {
      const section = sectionAt(line.opens, number);
      current.content.push(section);
      open.push(section);
      pathLength += section.name.length + 1;
      if (pathLength > maxCorosyncPathLength + 1) throw tooDeep();
    } else {
      current.content.push({ ...line, line: number });
    }
  }
  return root;
}

function withoutLines({ name, content }: LocatedSection): CorosyncSection {
  return {
    name,
    content: content.map((each) =>
      isSection(each) ? withoutLines(each) : { key: each.key, value: each.value },
    ),
  };
}

/**
 * The text with its log sent only to stderr, for a check that must not write into the log of the running corosync
 * (corosync.conf(5), `logging`). Everything else stays as it is, on the same lines. That includes `logfile`, which
 * corosync opens even if it is not used.
 */
export function loggingToStderrAlone(text: string): string {
  let depth = 0;
  const lines = text.split('\n').map((raw) => {
    const line = readLine(raw);
    if (line === 'nothing') return raw;
    if (line === 'close') depth -= 1;
    else if ('opens' in line) depth += 1;
    else if (['to_logfile', 'to_syslog'].includes(line.key) && line.value === 'yes') {
      return `${line.key}: no`;
    }
    return raw;
  });
  // With any other depth, corosync refuses the file before it logs, and names the last line.
  if (depth !== 0) return text;
  return [...lines, 'logging {', 'to_stderr: yes', 'to_syslog: no', '}', ''].join('\n');
}

/**
 * Writes corosync.conf as the contract shows it: `key: value`, indented by a tab for each section around it.
 * `parseCorosyncConf` reads the same value back.
 * @throws Fault `invalid_request` for content that cannot be read back, such as a value with a line break, which would
 *   add settings to the file that nobody asked for
 */
export function writeCorosyncConf(conf: CorosyncSection): string {
  return conf.content.map((each) => textOf(each, '', '')).join('');
}

/** The value of a setting in a top-level section. The last one counts, as it does for corosync. */
export function corosyncSetting(
  conf: CorosyncSection,
  section: string,
  key: string,
): string | undefined {
  return conf.content
    .flatMap((each) => (isSection(each) && each.name === section ? each.content : []))
    .findLast((each): each is CorosyncSetting => !isSection(each) && each.key === key)?.value;
}

function readLine(raw: string): Line {
  const line = trimStart(trimEnd(raw, blanks), blanks);
  if (line.startsWith('#')) return 'nothing';
  const brace = line.indexOf('{');
  // As in corosync, a brace begins a section even after a colon, which is then not part of the name.
  if (brace >= 0) return { opens: trimEnd(line.slice(0, brace), `${blanks}:`) };
  const colon = line.indexOf(':');
  if (colon >= 0) {
    return {
      key: trimEnd(line.slice(0, colon), blanks),
      value: trimStart(line.slice(colon + 1), blanks),
    };
  }
  return line.includes('}') ? 'close' : 'nothing';
}

/** A file may come from Windows: corosync drops the carriage return. */
const blanks = ' \t\r';

// Not by a regular expression, which would take quadratic time for a line of blanks.
function trimStart(text: string, unwanted: string): string {
  let start = 0;
  while (start < text.length && unwanted.includes(text.charAt(start))) start += 1;
  return text.slice(start);
}

function trimEnd(text: string, unwanted: string): string {
  let end = text.length;
  while (end > 0 && unwanted.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Whether it is a section rather than a setting. */
export function isSection<T extends CorosyncSetting | CorosyncSection>(
  each: T,
): each is Extract<T, CorosyncSection> {
  return 'content' in each;
}

function textOf(each: CorosyncSetting | CorosyncSection, indent: string, above: string): string {
  const path = `${above}.${isSection(each) ? each.name : each.key}`;
  const line = lineOf(each);
  const meant: Line = isSection(each) ? { opens: each.name } : { key: each.key, value: each.value };
  if (line.includes('\n') || JSON.stringify(readLine(line)) !== JSON.stringify(meant)) {
    throw invalid(
      `corosync.conf cannot hold '${path.slice(1)}' as it is. A name must not contain '{' or ':' or begin with '#'. A value must not contain '{'. Neither may contain a line break, or a blank at either end.`,
    );
  }
  if (!isSection(each)) return `${indent}${line}\n`;
  const content = each.content.map((inside) => textOf(inside, `${indent}\t`, path)).join('');
  return `${indent}${line}\n${content}${indent}}\n`;
}

function lineOf(each: CorosyncSetting | CorosyncSection): string {
  if (isSection(each)) return `${each.name} {`;
  return each.value === '' ? `${each.key}:` : `${each.key}: ${each.value}`;
}

function tooDeep(): Fault {
  return new Fault(
    'corosync_conf_unreadable',
    `corosync.conf has sections nested deeper than corosync can hold, which is ${maxCorosyncPathLength} characters of names. 'corosync -t' names the line; copy the file from another node of the cluster.`,
  );
}

/** The message must not contain a value, which may be a secret, such as `totem.key`. */
function invalid(message: string): Fault {
  return new Fault('invalid_request', message);
}
