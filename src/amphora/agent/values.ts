import type { FieldError } from '../../kit/fault.ts';
import { type OsloSections, osloValue } from '../../parsers/oslo-config.ts';

/**
 * Reads options of oslo.config, each by its section and key. What is wrong goes to `errors`, and the default stands in
 * for it.
 */
export function makeReader(sections: OsloSections) {
  const errors: FieldError[] = [];

  const wrong = (section: string, key: string, message: string) => {
    const isThere = osloValue(sections, section, key) !== undefined;
    errors.push({
      field: `${section}.${key}`,
      message: `must be ${message}`,
      type: isThere ? 'string' : 'undefined',
    });
  };

  const text = (
    section: string,
    key: string,
    otherwise: string,
    isRight: (value: string) => boolean,
    expected: string,
  ): string => {
    const raw = osloValue(sections, section, key);
    const value = raw === undefined ? otherwise : substituted(raw);
    if (value === undefined) {
      wrong(section, key, 'without a reference such as $name; a dollar is written as $$');
    } else if (!isRight(value)) {
      wrong(section, key, expected);
    }
    return value ?? otherwise;
  };

  return {
    errors,
    text,
    path: (section: string, key: string, otherwise: string) =>
      text(section, key, otherwise, isPlainPath, 'an absolute path of plain names'),
    number: (section: string, key: string, otherwise: number, min: number, max: number) =>
      Number(
        text(
          section,
          key,
          String(otherwise),
          (value) => /^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max,
          `a whole number from ${min} to ${max}`,
        ),
      ),
    /** The first choice is the default. */
    choice: <T extends string>(section: string, key: string, choices: readonly [T, ...T[]]): T => {
      const [otherwise] = choices;
      const isChoice = (value: string) => choices.some((each) => each === value);
      return text(section, key, otherwise, isChoice, `one of ${choices.join(', ')}`) as T;
    },
  };
}

/** No `..`, no doubled slash, and nothing that would mean something in the files of haproxy or systemd. */
function isPlainPath(value: string): boolean {
  return /^(?:\/[\w.-]+)+$/.test(value) && !/\/\.{1,2}(?:\/|$)/.test(value);
}

/**
 * A value as oslo.config gives it out: `$$` and `\$` stand for a dollar (`_substitute` in oslo_config/cfg.py, and Python's
 * string.Template). A dollar that begins no name stays.
 * @returns undefined if it refers to another option, which no controller writes
 */
function substituted(raw: string): string | undefined {
  const template = raw.replaceAll('\\$', '$$$$');
  const dollars = template.match(/\$(?:\$|\{[_a-z][._a-z0-9]*\}|[_a-z])?/gi) ?? [];
  const hasReference = dollars.some((each) => each !== '$' && each !== '$$');
  return hasReference ? undefined : template.replaceAll('$$', () => '$');
}
