import { type Attribute, attribute } from './attribute.ts';
import { textMatching, textUpTo } from './values.ts';
import { Wrong, wrongValue } from './wrong.ts';

// Texts that land in the configuration of haproxy. Each is checked as what it is, so that none of them can end its line,
// begin a comment or a quotation, or become another word. operator.md, section 9, has the holes that others had.

/** Names of cookies and headers: the tokens of RFC 9110 without those characters that haproxy reads itself. */
const token = /^[A-Za-z0-9!%&*+.^_|~-]+$/;

/** Path and query of RFC 3986, without quotes and fragments. A percent sign begins an encoded byte. */
const pathCharacters = '(?:[A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*';
const path = new RegExp(`^/${pathCharacters}$`);
const host = '(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])';
const url = new RegExp(`^https?://${host}(?::[0-9]{1,5})?(?:[/?]${pathCharacters})?$`, 'i');

/** A bare word without quotes and backslashes, or one in double quotes, which may have spaces. */
const comparison = /^(?:[!#-[\]-~]+|"[ !#-[\]-~]+")$/;
const printable = /^[ -~]+$/;

export const cookieName: Attribute<string> = textMatching(
  token,
  'Value should be the name of a cookie: letters, digits and !%&*+.^_|~-',
);

export const urlPath: Attribute<string> = textMatching(
  path,
  "Value should be a path of a URL that begins with '/', without spaces, quotes and '#'",
);

export const redirectTarget: Attribute<string> = attribute(
  { type: 'string', format: 'uri', maxLength: 255, pattern: url.source },
  (value, name, place) => {
    const text = textUpTo(255).read(value, name, place);
    if (url.test(text) && URL.canParse(text)) return text;
    throw wrongValue(name, text, 'Value must be a valid URL string');
  },
);

/** Methods of a check. */
export const httpMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'TRACE',
  'OPTIONS',
  'CONNECT',
  'PATCH',
] as const;

const code = '[1-5][0-9]{2}(?:-[1-5][0-9]{2})?';
const codes = new RegExp(`^${code}(?: *, *${code})*$`);

/** Codes and ranges in any spacing, such as `200,202-204`. */
export const expectedCodes: Attribute<string> = attribute(
  { type: 'string', maxLength: 64, pattern: codes.source },
  (value, name, place) => {
    const text = textUpTo(64).read(value, name, place);
    const compact = text.replaceAll(' ', '');
    const isRising = (range: string) => {
      const [first = '', last = first] = range.split('-');
      return first <= last;
    };
    if (codes.test(text) && compact.split(',').every(isRising)) return compact;
    throw wrongValue(name, text, 'Value should be HTTP codes and ranges, such as 200,202-204');
  },
);

/** The parts of a rule that must fit each other. */
interface RuleParts {
  type: string;
  compareType: string;
  key: string | null;
  value: string;
}

/**
 * Checks the parts of an L7 rule together.
 * @throws {Wrong} in the recorded sentences
 */
export function checkRule({ type, compareType, key, value }: RuleParts): void {
  if (type === 'HEADER' || type === 'COOKIE') {
    if (key === null || key === '') throw badRule('Invalid L7 Rule: L7 rule type requires a key');
    if (!token.test(key)) throw badRule('Invalid characters in key');
  }
  if (type === 'FILE_TYPE' && compareType !== 'REGEX' && compareType !== 'EQUAL_TO')
    throw badRule('Invalid L7 Rule: invalid comparison type for rule type');
  if (compareType === 'REGEX') checkExpression(value);
  // Only a header has spaces and quotes in what a client sends.
  else if (!(type === 'HEADER' ? printable : comparison).test(value))
    throw badRule('Invalid characters in comparison value');
}

function checkExpression(value: string): void {
  if (!printable.test(value)) throw badRule('Invalid characters in comparison value');
  try {
    new RegExp(value);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*: /, '') : 'it is not one';
    throw badRule(`Unable to parse regular expression: ${why}`);
  }
}

function badRule(what: string): Wrong {
  return new Wrong(`Error parsing L7Rule: ${what}`);
}
