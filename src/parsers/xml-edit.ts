import { parseXml, type XmlElement } from './xml.ts';

/** An element that can be changed in place. A comment is an element with the name `!--`. */
export interface EditableXml {
  name: string;
  attributes: Record<string, string>;
  children: EditableXml[];
  text: string | undefined;
}

/**
 * Reads a whole document to change it and write it back; comments stay where they are.
 * @throws Fault `unreadable_output` as parseXml
 */
export function parseEditableXml(text: string): EditableXml {
  return editable(parseXml(text, { comments: true }));
}

/** Writes an element as XML. parseXml reads it back as it was, except for white space between elements. */
export function writeXml({ name, attributes, children, text }: XmlElement): string {
  if (name === '!--') return `<!--${text ?? ''}-->`;
  const start = [
    name,
    ...Object.entries(attributes).map(([key, value]) => `${key}="${escaped(value)}"`),
  ];
  const content = [...children.map(writeXml), ...(text === undefined ? [] : [escaped(text)])].join(
    '',
  );
  return content === '' ? `<${start.join(' ')}/>` : `<${start.join(' ')}>${content}</${name}>`;
}

/** The text as XML writes it in double quotes, or between elements. */
export function escaped(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (each) => references[each] ?? `&#${each.charCodeAt(0)};`);
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

export function newElement(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  children: readonly EditableXml[] = [],
): EditableXml {
  const given = Object.entries(attributes).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { name, attributes: Object.fromEntries(given), children: [...children], text: undefined };
}

/** The first child of that name; one is added at the end if there is none. */
export function childToEdit(
  element: EditableXml,
  name: string,
  attributes: Readonly<Record<string, string>> = {},
): EditableXml {
  const present = element.children.find((each) => each.name === name);
  if (present) return present;
  const added = newElement(name, attributes);
  element.children.push(added);
  return added;
}

/** Removes the children that match. @returns whether there were any */
export function removeChildren(
  element: EditableXml,
  matches: (each: EditableXml) => boolean,
): boolean {
  const before = element.children.length;
  element.children = element.children.filter((each) => !matches(each));
  return element.children.length < before;
}

/** The element and all its descendants, each with its parent. */
export function* walk(
  element: EditableXml,
  parent?: EditableXml,
): Generator<{ element: EditableXml; parent: EditableXml | undefined }> {
  yield { element, parent };
  for (const each of element.children) yield* walk(each, element);
}

function editable({ name, attributes, children, text }: XmlElement): EditableXml {
  return {
    name,
    attributes: { ...attributes },
    children: children.map(editable),
    // Drops white space between elements.
    text: children.length > 0 && text?.trim() === '' ? undefined : text,
  };
}
