import { readConfig } from './config.ts';

/** A line that drivers write becomes these lines; undefined if the rule does not apply. */
interface Rule {
  /** The first version of haproxy that needs it. */
  since: readonly [major: number, minor: number];
  rewrite: (line: DriverLine) => readonly string[] | undefined;
}

/** A line of a section, or the one that begins it. */
interface DriverLine {
  raw: string;
  tokens: readonly string[];
  section: string;
  /** Whether the section has a line of this directive. */
  hasDirective: (directive: string) => boolean;
  /** The file from which haproxy is to load the states of members; undefined if the driver has named one. */
  stateFile: string | undefined;
}

const rules: readonly Rule[] = [
  { since: [0, 0], rewrite: withoutGroup },
  { since: [0, 0], rewrite: withSeparateExternalCheck },
  { since: [0, 0], rewrite: withMemberStates },
  { since: [2, 2], rewrite: withForks },
  { since: [2, 2], rewrite: withoutHtx },
  { since: [2, 2], rewrite: withHostOfCheck },
];

/**
 * Rewrites what drivers write and haproxy refuses, and adds what older drivers leave out. A rule may put one line more into
 * the file, so that the lines of haproxy's messages may be higher than those of the driver's file.
 * @param text a haproxy.cfg without problems (readDriverConfig)
 * @param host.version of haproxy, such as `2.6.12`; if it is unknown, every rule applies
 * @param host.stateFile where the agent stores the states of members before a reload
 */
export function rewriteFor(
  text: string,
  { version, stateFile }: { version: string; stateFile: string },
): string {
  const used = rules.filter(({ since }) => isFrom(version, since));
  const { sections } = readConfig(text);
  const hasStateFile = sections.some(({ lines }) =>
    lines.some(({ tokens }) => tokens[0] === 'server-state-file'),
  );
  const ofFile = { stateFile: hasStateFile ? undefined : stateFile };
  const known = new Map(
    sections.flatMap(({ keyword, args, line, lines }) => {
      const directives = new Set(lines.map(({ tokens }) => tokens[0]));
      const hasDirective = (name: string) => directives.has(name);
      const section = { ...ofFile, section: keyword, hasDirective };
      const all = [{ line, tokens: [keyword, ...args] }, ...lines];
      return all.map((each) => [each.line, { ...section, tokens: each.tokens }] as const);
    }),
  );
  const rewritten = text.split('\n').flatMap((raw, index) => {
    const line = known.get(index + 1);
    if (!line) return [raw];
    for (const { rewrite } of used) {
      const lines = rewrite({ ...line, raw });
      if (lines) return lines;
    }
    return [raw];
  });
  return rewritten.join('\n');
}

function isFrom(version: string, [major, minor]: Rule['since']): boolean {
  const read = /^(\d{1,4})\.(\d{1,4})/.exec(version);
  if (!read) return true;
  const [ofMajor, ofMinor] = [Number(read[1]), Number(read[2])];
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}

/** Drivers of API 0.5 name the group of the controller's image. The agent gives haproxy the group of this host. */
function withoutGroup({ tokens, section }: DriverLine): readonly string[] | undefined {
  return section === 'global' && tokens[0] === 'group' ? [''] : undefined;
}

/**
 * The template of driver 16.0 joins two lines if it pins the threads and there is a PING monitor. Every haproxy then
 * refuses the file: `'external-check' is not a CPU range`.
 */
function withSeparateExternalCheck(line: DriverLine): readonly string[] | undefined {
  const { raw, tokens } = line;
  if (tokens[0] !== 'cpu-map' || tokens[3] !== 'external-check') return undefined;
  const end = raw.lastIndexOf('external-check');
  return [raw.slice(0, end).trimEnd(), ...externalCheck(line)];
}

/**
 * Drivers before 11.0 do not have haproxy load the states of members, so each reload would count those that are down as up
 * until their next checks (configuration.txt, `load-server-state-from-file`).
 */
function withMemberStates({ raw, tokens, stateFile }: DriverLine): readonly string[] | undefined {
  if (stateFile === undefined) return undefined;
  switch (tokens[0]) {
    case 'global':
      return [raw, `    server-state-file ${stateFile}`];
    case 'backend':
      return [raw, '    load-server-state-from-file global'];
    default:
      return undefined;
  }
}

/** Drivers before 11.0 do not allow the processes of PING monitors, without which they fail since haproxy 2.2. */
function withForks(line: DriverLine): readonly string[] | undefined {
  const isGlobal = line.section === 'global' && line.tokens[0] === 'external-check';
  return isGlobal ? externalCheck(line) : undefined;
}

function externalCheck({ hasDirective }: DriverLine): readonly string[] {
  const lines = ['    external-check'];
  return hasDirective('insecure-fork-wanted') ? lines : [...lines, '    insecure-fork-wanted'];
}

/** Drivers 11.0 to 16.0 ask for what haproxy 2.0 does by default. haproxy 2.6 knows the option no more. */
function withoutHtx({ tokens }: DriverLine): readonly string[] | undefined {
  return tokens[0] === 'option' && tokens[1] === 'http-use-htx' ? [''] : undefined;
}

/**
 * Drivers before 17.0 end the version of an HTTP monitor in a line break, with or without a header after it. haproxy
 * 2.2 and 2.6 warn, and 3.0 refuses the file. `http-check send` is there since 2.2.
 */
function withHostOfCheck({ raw, tokens }: DriverLine): readonly string[] | undefined {
  const [option, name, , , version = ''] = tokens;
  if (option !== 'option' || name !== 'httpchk' || !version.includes('\r\n')) return undefined;
  const start = raw.lastIndexOf('HTTP/1.');
  if (start < 0) return undefined;
  const line = raw.slice(0, start + 'HTTP/1.1'.length);
  const host = /\r\nHost: ([\w.-]+)$/.exec(version)?.[1];
  return host === undefined ? [line] : [line, `    http-check send hdr Host ${host}`];
}
