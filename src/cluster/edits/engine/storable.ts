import { Fault } from '../../../kit/fault.ts';
import type { CibDifference } from '../../../pacemaker/cib/cib-differences.ts';
import { lostIn, type LostCharactersReader } from '../../../pacemaker/cib/lost-characters.ts';
import type { XmlElement } from '../../../parsers/xml.ts';
import { type EditableXml, walk } from '../../../parsers/xml-edit.ts';

/**
 * All control characters except the tab. Pacemaker sends parameters to a fence agent line by line, so a line break would
 * split one in two. The others would garble the output on a terminal.
 */
const controls = /(?!\t)\p{Cc}/u;

/** A message names at most this many problems, and this many characters of each. */
const maxNamed = 5;

/**
 * Refuses text that Pacemaker would not store as it is, before anything is sent. Text that the CIB already has is allowed.
 * @param base the CIB before the differences
 * @param readLostCharacters is called only for text that is not printable ASCII
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
        first === undefined ? '' : ` after a character beyond ASCII such as ${named(first)}`;
      return [
        `Pacemaker on this node would not store ${what} as it is: it damages ${lost}${more}${where}.`,
      ];
    }),
  );
}

/** Faults: `value_not_allowed`, unless there are no problems. */
function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  // A patch has a modified element twice.
  const different = [...new Set(problems)].slice(0, maxNamed).join(' ');
  throw new Fault(
    'value_not_allowed',
    `${different} Nothing was changed. Write the value without these characters.`,
  );
}

/** Whether these differences have only printable ASCII, which every Pacemaker keeps. */
export function arePlain(differences: readonly CibDifference[]): boolean {
  return !differences.some((each) => [...textsOf(each)].some(isSpecial));
}

function isSpecial({ text }: Text): boolean {
  return !/^[\x20-\x7e]*$/.test(text);
}

interface Text {
  /** Its name in a message. */
  what: string;
  text: string;
}

/** All text that a difference sends to Pacemaker. */
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

/** An invisible character is named by its number alone. */
function named(character: string): string {
  const number = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `'${character}' (${number})` : number;
}
