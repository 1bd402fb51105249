import type { ConfProblem, Statement } from './syntax.ts';

/** Whether a word may stand in its place. */
export type WordCheck = (word: string) => boolean;

/** A line of a block that has no keywords, such as `virtual_ipaddress`. */
export type LineCheck = (tokens: readonly string[]) => boolean;

export interface Keyword {
  /** The tokens after it, one check each. */
  args: readonly WordCheck[];
  /** What its block may hold. Without it, it has no block. */
  block?: Vocabulary | LineCheck;
  /** What it should be, for the reason of a problem. */
  expected: string;
  isRepeatable?: boolean;
}

export type Vocabulary = Readonly<Record<string, Keyword>>;

/**
 * Holds statements against the keywords that are allowed.
 * @param place the block around them, for the reasons
 */
export function checkVocabulary(
  statements: readonly Statement[],
  vocabulary: Vocabulary,
  place: string,
): ConfProblem[] {
  const seen = new Set<string>();
  return statements.flatMap((statement) => {
    const { tokens, line } = statement;
    const [name] = tokens;
    const keyword = Object.hasOwn(vocabulary, name) ? vocabulary[name] : undefined;
    if (!keyword) {
      return [{ line, reason: `this keyword is not one that the drivers write in ${place}` }];
    }
    const isRepeated = seen.has(name) && keyword.isRepeatable !== true;
    seen.add(name);
    if (isRepeated) return [{ line, reason: `'${name}' must not be repeated in ${place}` }];
    return checkStatement(statement, name, keyword);
  });
}

function checkStatement(statement: Statement, name: string, keyword: Keyword): ConfProblem[] {
  const { tokens, line, block } = statement;
  const problems: ConfProblem[] = [];
  const given = tokens.slice(1);
  const fits =
    given.length === keyword.args.length &&
    keyword.args.every((check, index) => check(given[index] ?? ''));
  if (!fits) problems.push({ line, reason: `'${name}' must be ${keyword.expected}` });
  if ((block === undefined) !== (keyword.block === undefined)) {
    const reason = block ? `'${name}' must not have a block` : `'${name}' must have a block`;
    return [...problems, { line, reason }];
  }
  if (!block || !keyword.block) return problems;
  if (typeof keyword.block !== 'function') {
    return [...problems, ...checkVocabulary(block, keyword.block, name)];
  }
  const checkLine = keyword.block;
  const wrong = block.filter((each) => each.block !== undefined || !checkLine(each.tokens));
  const reason = `this is not a line that the drivers write in ${name}`;
  return [...problems, ...wrong.map((each) => ({ line: each.line, reason }))];
}

/** The first statement with that keyword. */
export function find(
  statements: readonly Statement[] | undefined,
  name: string,
): Statement | undefined {
  return statements?.find(({ tokens }) => tokens[0] === name);
}

/** The word after a keyword. */
export function wordOf(
  statements: readonly Statement[] | undefined,
  name: string,
): string | undefined {
  return find(statements, name)?.tokens[1];
}

/** The number after a keyword. */
export function numberOf(
  statements: readonly Statement[] | undefined,
  name: string,
): number | undefined {
  const word = wordOf(statements, name);
  return word === undefined ? undefined : Number(word);
}

export function exactly(...allowed: readonly string[]): WordCheck {
  return (word) => allowed.includes(word);
}

export function wholeNumber(min: number, max: number): WordCheck {
  return (word) => /^\d{1,10}$/.test(word) && Number(word) >= min && Number(word) <= max;
}

export function isName(word: string): boolean {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(word);
}

/** A name of an interface (dev_valid_name in the kernel), without characters that mean something elsewhere. */
export function isInterface(word: string): boolean {
  return /^[A-Za-z0-9_.-]{1,15}$/.test(word) && word !== '.' && word !== '..';
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

export function isIpv4(word: string): boolean {
  return ipv4.test(word);
}

/** RFC 4291, section 2.2, without a zone. */
export function isIpv6(word: string): boolean {
  if (word.length > 45 || !/^[0-9a-f:.]+$/i.test(word)) return false;
  const halves = word.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const endsInIpv4 = last !== undefined && isIpv4(last);
  const plain = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = plain.length + (endsInIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

export function isAddress(word: string): boolean {
  return isIpv4(word) || isIpv6(word);
}

/** An address with the length of its prefix. */
export function isSubnet(word: string): boolean {
  const [address = '', length = '', more] = word.split('/');
  if (more !== undefined || !/^\d{1,3}$/.test(length)) return false;
  return (isIpv4(address) && Number(length) <= 32) || (isIpv6(address) && Number(length) <= 128);
}
