/**
 * Why a line is not read: a quote without its end, `\\x` without two digits, or a control character, which no driver
 * writes. haproxy refuses the first two. It ignores what follows a carriage return.
 */
export type LineProblem = 'quote' | 'escape' | 'control';

/** A line of haproxy.cfg as haproxy reads it. */
export interface HaproxyLine {
  /** Without quotes and escapes. A blank or commented line has none. */
  tokens: readonly string[];
  /** Whether haproxy would replace a variable: `$` in double quotes. */
  hasVariable: boolean;
  problem?: LineProblem | undefined;
}

/** What a character after a backslash stands for, outside of single quotes. */
const escapes: Readonly<Record<string, string>> = {
  ' ': ' ',
  '\\': '\\',
  '"': '"',
  t: '\t',
  n: '\n',
  r: '\r',
};
const escapesOutsideQuotes: Readonly<Record<string, string>> = { '#': '#', "'": "'" };
const escapesInQuotes: Readonly<Record<string, string>> = { $: '$' };

/** A control character except a tab, and except a carriage return at the end of the line. */
const control = /[^\P{Cc}\t\n\r]|\r(?!$)/u;

/**
 * Splits a line into words as parse_line() does (haproxy 2.2 to 3.0, src/tools.c; configuration.txt, section 2.2).
 * A quote may begin and end within a word. `#` outside of quotes begins a comment, also within a word. A carriage return
 * ends the line, except among blanks. Any other backslash stays.
 * @param raw a line without its line feed
 */
export function readLine(raw: string): HaproxyLine {
  const tokens: string[] = [];
  let word = '';
  let quote: '"' | "'" | undefined;
  let hasVariable = false;
  let at = 0;
  for (; at < raw.length; at += 1) {
    const char = raw.charAt(at);
    if (char === '\r') break;
    if (quote === undefined && char === '#') break;
    if (char === quote) quote = undefined;
    else if (quote === undefined && (char === '"' || char === "'")) quote = char;
    else if (char === '\\' && quote !== "'") {
      const escape = readEscape(raw, at, quote === '"');
      if (!escape) return { tokens, hasVariable, problem: 'escape' };
      word += escape.text;
      at += escape.length - 1;
    } else if (quote === undefined && isBlank(char)) {
      while (isBlank(raw.charAt(at + 1))) at += 1;
      // Blanks at the start of a line begin no word; two quotes without text are an empty word.
      tokens.push(word);
      word = '';
    } else {
      hasVariable ||= char === '$' && quote === '"';
      word += char;
    }
  }
  tokens.push(word);
  return finish(raw, { tokens, hasVariable, problem: quote === undefined ? undefined : 'quote' });
}

/** haproxy skips blanks at the start of a line, and reads a blank end as one empty word, which counts for none. */
function finish(raw: string, line: HaproxyLine & { tokens: string[] }): HaproxyLine {
  if (isBlank(raw.charAt(0))) line.tokens.shift();
  if (line.tokens.at(-1) === '') line.tokens.pop();
  const hasControl = line.tokens.length > 0 && control.test(raw);
  return { ...line, problem: line.problem ?? (hasControl ? 'control' : undefined) };
}

function readEscape(
  raw: string,
  at: number,
  isInQuotes: boolean,
): { text: string; length: number } | undefined {
  const next = raw.charAt(at + 1);
  if (next === 'x') {
    const digits = raw.slice(at + 2, at + 4);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined;
    return { text: String.fromCharCode(Number.parseInt(digits, 16)), length: 4 };
  }
  const also = isInQuotes ? escapesInQuotes : escapesOutsideQuotes;
  const text = escapes[next] ?? also[next];
  return text === undefined ? { text: '\\', length: 1 } : { text, length: 2 };
}

/** isspace(3) in the C locale. */
function isBlank(char: string): boolean {
  return char !== '' && ' \t\n\v\f\r'.includes(char);
}
