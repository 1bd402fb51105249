import { withoutStatus } from '../../src/parsers/cib/text.ts';
import { parseXml, type XmlElement } from '../../src/parsers/xml.ts';

/**
 * The changes of a CIB, one line for each changed element: `+` or `-`, the id or name of its parent, and its start tag.
 * Status, order and the parts of the version that Pacemaker writes are left out.
 */
export function cibChanges(before: string, after: string): string[] {
  const [old = [], now = []] = [before, after].map((xml) => linesOf(parseXml(withoutStatus(xml))));
  return [
    ...without(old, now).map((line) => `- ${line}`),
    ...without(now, old).map((line) => `+ ${line}`),
  ];
}

function linesOf(element: XmlElement): string[] {
  const { name, attributes, children } = element;
  const around = attributes['id'] ?? name;
  return children.flatMap((each) => [`${around}: ${startTag(each)}`, ...linesOf(each)]);
}

function startTag({ name, attributes }: XmlElement): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`);
  return `<${[name, ...pairs].join(' ')}>`;
}

/** The lines without the others. Each of the others removes one equal line. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const index = left.indexOf(line);
    if (index < 0) return true;
    left.splice(index, 1);
    return false;
  });
}
