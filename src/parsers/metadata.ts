import { child, children, parseXml, type XmlElement } from './xml.ts';

/** A parameter that a daemon or an agent describes. */
export interface Parameter {
  name: string;
  /** As the metadata has it; undefined if it names none. */
  default: string | undefined;
  /** `boolean`, `integer`, `time`, `percentage`, `select` … */
  type: string;
  /** What it may be, if only certain words are allowed. */
  values: readonly string[] | undefined;
}

/**
 * The parameters in the metadata of a resource agent, a fence agent or a daemon of Pacemaker
 * (OCF Resource Agent API, `<resource-agent><parameters>`).
 * @throws Fault `unreadable_output`
 */
export function parseParameters(xml: string): Parameter[] {
  // Pacemaker 2.0 and many agents name a DTD, of which nothing is needed; nor is anything of most
  // descriptions, which are three quarters of the text.
  const needed = xml
    .replace(/<!DOCTYPE\s[^[>]*>/, '')
    .replace(/<(longdesc|shortdesc)\b[^>]*>(?![^<]*Allowed values: )[^<]*<\/\1>/g, '');
  const root = parseXml(needed);
  return children(child(root, 'parameters'), 'parameter').map((parameter) => {
    const content = child(parameter, 'content');
    const type = content?.attributes['type'] ?? 'string';
    return {
      name: parameter.attributes['name'] ?? '',
      default: content?.attributes['default'],
      type,
      values: valuesOf(parameter, content, type),
    };
  });
}

function valuesOf(
  parameter: XmlElement,
  content: XmlElement | undefined,
  type: string,
): string[] | undefined {
  if (type === 'select') {
    return children(content, 'option').map(({ attributes }) => attributes['value'] ?? '');
  }
  if (type !== 'enum') return undefined;
  // Pacemaker 2.0 has the words in its description alone.
  const words = /Allowed values: ([\w, -]+)/.exec(child(parameter, 'longdesc')?.text ?? '')?.[1];
  return words?.split(',').map((word) => word.trim());
}
