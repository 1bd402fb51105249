/** A statement of keepalived.conf: a keyword with its tokens, and its block if it has one. */
export interface Statement {
  tokens: readonly [string, ...string[]];
  /** Counted from 1. */
  line: number;
  block?: readonly Statement[];
}

export interface Comment {
  line: number;
  /** Without its mark and the blanks around it. */
  text: string;
}

/** What is wrong with a line. The reason has no text of the file, which may be a secret. */
export interface ConfProblem {
  /** Counted from 1. */
  line: number;
  reason: string;
}

export interface KeepalivedConf {
  statements: readonly Statement[];
  comments: readonly Comment[];
  problems: readonly ConfProblem[];
}

interface MutableStatement {
  tokens: [string, ...string[]];
  line: number;
  block?: MutableStatement[];
}

interface Line {
  tokens: readonly string[];
  comment?: string;
  problem?: string;
}

/**
 * keepalived reads lines of up to 1023 bytes (MAXBUF in lib/parser.h). It takes the rest of a longer line for another
 * line, even the rest of a comment.
 */
const maxLineLength = 1000;
const maxDepth = 8;

/**
 * Reads keepalived.conf (keepalived.conf(5), lib/parser.c) as far as the drivers of Octavia use its syntax. A comment
 * begins with `#` or `!` anywhere outside of double quotes. A brace is a word, wherever it stands.
 * @returns all statements, and a problem for each line that uses more: escapes, `$` definitions, `@` conditions, `~`
 *   sequences, `include`, single quotes, characters that are not printable ASCII, and a `{` that does not stand on the line of its keyword
 */
export function parseKeepalivedConf(text: string): KeepalivedConf {
  const root: MutableStatement[] = [];
  const open: MutableStatement[][] = [root];
  const comments: Comment[] = [];
  const problems: ConfProblem[] = [];
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const refuse = (reason: string) => problems.push({ line, reason });
    const read = readLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
    if (read.comment !== undefined) comments.push({ line, text: read.comment });
    if (read.problem !== undefined) {
      refuse(read.problem);
      continue;
    }
    let current: MutableStatement | undefined;
    for (const token of read.tokens) {
      if (token === '{') {
        if (!current) refuse('a { stands without a keyword before it on its line');
        else if (open.length > maxDepth) refuse(`blocks are nested more than ${maxDepth} deep`);
        else open.push((current.block ??= []));
        current = undefined;
      } else if (token === '}') {
        if (open.length > 1) open.pop();
        else refuse('a } closes no block');
        current = undefined;
      } else if (current) {
        current.tokens.push(plain(token));
      } else {
        current = { tokens: [plain(token)], line };
        open.at(-1)?.push(current);
        if (isInclude(token)) refuse('other files must not be included');
      }
    }
  }
  if (open.length > 1) problems.push({ line: lines.length, reason: 'a block is not closed' });
  return { statements: root, comments, problems };
}

/** `include` and its variants for missing and empty files (keepalived.conf(5)). */
function isInclude(token: string): boolean {
  return token.startsWith('include');
}

function plain(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1) : token;
}

/** keepalived cuts a line at some control characters, and has no blanks other than those of ASCII. */
const foreign = /[^ -~]/;

function readLine(line: string): Line {
  if (line.length > maxLineLength) {
    return { tokens: [], problem: `the line is longer than ${maxLineLength} characters` };
  }
  if (foreign.test(line.replaceAll('\t', ' '))) {
    return { tokens: [], problem: 'the line has a character that is not printable ASCII' };
  }
  const { code, comment } = splitComment(line);
  const read: Line = { tokens: [], ...(comment !== undefined && { comment }) };
  const special = specialIn(code);
  if (special !== undefined) return { ...read, problem: special };
  const tokens = tokensOf(code);
  return tokens ? { ...read, tokens } : { ...read, problem: 'a quote is not closed' };
}

function specialIn(code: string): string | undefined {
  if (code.includes('\\')) return 'escapes are not supported';
  if (code.includes('$')) return 'definitions ($) are not supported';
  if (code.includes("'")) return 'single quotes are not supported';
  if (code.startsWith('@')) return 'conditions (@) are not supported';
  if (code.startsWith('~')) return 'sequences (~) are not supported';
  return undefined;
}

function splitComment(line: string): { code: string; comment?: string } {
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === '#' || character === '!')) {
      return { code: line.slice(0, at).trim(), comment: line.slice(at + 1).trim() };
    }
  }
  return { code: line.trim() };
}

/** Words, tokens in double quotes with their quotes, and braces. */
function tokensOf(code: string): string[] | undefined {
  const tokens: string[] = code.match(/"[^"]*"|[{}]|[^\s"{}]+|"/g) ?? [];
  return tokens.includes('"') ? undefined : tokens;
}
