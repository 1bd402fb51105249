import { Fault } from '../../../kit/fault.ts';
import type { CibDifference } from '../../../pacemaker/cib/cib-differences.ts';
import { lostIn, type LostCharactersReader } from '../../../pacemaker/cib/lost-characters.ts';
import type { XmlElement } from '../../../parsers/xml.ts';
import { type EditableXml, walk } from '../../../parsers/xml-edit.ts';

/**
 * All but the tab. Pacemaker gives a fence agent its parameters a line each, so a line break would make two of one; the
 * others would garble what a person reads on a terminal.
 */
const controls = /(?!\t)\p{Cc}/u;

/** So many problems are named, and so many signs of each. */
const maxNamed = 5;

/**
 * Refuses what Pacemaker would not store as it is, before anything is sent. What is in the CIB already was stored.
 * @param base the CIB that the differences lead from
 * @param readLostCharacters is called only if a text has more than printable ASCII
 * Faults: `value_not_allowed`, those of the reader.
 */
export async function checkStorable(
  differences: readonly CibDifference[],
  base: EditableXml,
  readLostCharacters: LostCharactersReader,
): Promise<void> {
  const special = differences.flatMap((each) => [...textsOf(each)].filter(isSpecial));
  if (special.length === 0) return;
  const stored = new Set(
    [...walk(base)].flatMap(({ element }) => Object.values(element.attributes)),
  );
  const added = special.filter(({ text }) => !stored.has(text));
  refuse(
    added.flatMap(({ what, text }) => {
      const [control] = controls.exec(text) ?? [];
      return control === undefined
        ? []
        : [`There is a control character (${named(control)}) in ${what}, which no value may have.`];
    }),
  );
  const lostCharacters = await readLostCharacters();
  refuse(
    added.flatMap(({ what, text }) => {
      const { characters, first } = lostIn(text, lostCharacters);
      if (characters.length === 0) return [];
      const lost = characters.slice(0, maxNamed).map(named).join(', ');
      const more = characters.length > maxNamed ? ' and others' : '';
      const where =
        first === undefined ? '' : ` behind a character beyond ASCII such as ${named(first)}`;
      return [
        `Pacemaker on this node would not store ${what} as it is: it damages ${lost}${more}${where}.`,
      ];
    }),
  );
}

/** Faults: `value_not_allowed`, unless there are no problems. */
function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  // An element that is modified is in a patch twice.
  const different = [...new Set(problems)].slice(0, maxNamed).join(' ');
  throw new Fault(
    'value_not_allowed',
    `${different} Nothing was changed. Write the value without these characters.`,
  );
}

/** Whether all texts of these differences are printable ASCII, which each Pacemaker keeps. */
export function arePlain(differences: readonly CibDifference[]): boolean {
  return !differences.some((each) => [...textsOf(each)].some(isSpecial));
}

function isSpecial({ text }: Text): boolean {
  return !/^[\x20-\x7e]*$/.test(text);
}

interface Text {
  /** What it is, for a person. */
  what: string;
  text: string;
}

/** All that a difference sends to Pacemaker. */
function* textsOf(difference: CibDifference): Generator<Text> {
  yield { what: 'the path to an element', text: difference.path };
  switch (difference.operation) {
    case 'create':
      yield* textsBelow(difference.element);
      break;
    case 'modify':
      yield* textsOfElement(difference.element);
      break;
    case 'move':
    case 'delete':
  }
}

function* textsBelow(element: XmlElement): Generator<Text> {
  yield* textsOfElement(element);
  for (const each of element.children) yield* textsBelow(each);
}

function* textsOfElement({ name: element, attributes }: XmlElement): Generator<Text> {
  const { id = '', name } = attributes;
  for (const [attribute, text] of Object.entries(attributes)) {
    const isValueOfPair = attribute === 'value' && name !== undefined;
    const what = isValueOfPair ? `the value of '${name}'` : `'${attribute}' of ${element} ${id}`;
    yield { what: what.trimEnd(), text };
  }
}

/** A sign that would not be seen is named by its number alone. */
function named(sign: string): string {
  const number = `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(sign) ? `'${sign}' (${number})` : number;
}
