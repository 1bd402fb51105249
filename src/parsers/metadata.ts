import { child, children, parseXml } from './xml.ts';

/** A parameter that a daemon or an agent describes. */
export interface Parameter {
  name: string;
  /** As the metadata has it; undefined if it names none. */
  default: string | undefined;
}

/**
 * The parameters in the metadata of a resource agent, a fence agent or a daemon of Pacemaker
 * (OCF Resource Agent API, `<resource-agent><parameters>`).
 * @throws Fault `unreadable_output`
 */
export function parseParameters(xml: string): Parameter[] {
  // Pacemaker 2.0 and many agents name a DTD, of which nothing is needed; nor is anything of the
  // descriptions, which are three quarters of the text.
  const needed = xml
    .replace(/<!DOCTYPE\s[^[>]*>/, '')
    .replace(/<(longdesc|shortdesc)\b[^>]*>[^<]*<\/\1>/g, '');
  const root = parseXml(needed);
  return children(child(root, 'parameters'), 'parameter').map((parameter) => ({
    name: parameter.attributes['name'] ?? '',
    default: child(parameter, 'content')?.attributes['default'],
  }));
}
