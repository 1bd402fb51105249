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
  const root = parseMetadata(xml);
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

/** What an agent takes and does, as its metadata has it. */
export interface AgentMetadata {
  parameters: readonly AgentParameter[];
  actions: readonly AgentAction[];
  /** Whether it is by OCF 1.1, in which an agent says of itself whether it can be promoted. */
  isOcf11: boolean;
}

/** A parameter, as far as it is checked whether it is given. */
export interface AgentParameter {
  name: string;
  required: boolean;
  deprecated: boolean;
  /** What to use in its place. */
  replacedBy: readonly string[];
  /** Of resources of one agent, no two may have the same in all parameters of one group. */
  uniqueGroup: string | undefined;
}

/** An action, with its attributes as they stand there: `timeout`, `interval`, `role`, `depth` … */
export interface AgentAction {
  name: string;
  attributes: Readonly<Record<string, string>>;
}

/**
 * The metadata of a resource agent or fence agent, of OCF 1.0 or 1.1 (OCF Resource Agent API, ra-api.rng). What
 * names another version is read as 1.0.
 * @throws Fault `unreadable_output`
 */
export function parseAgentMetadata(xml: string): AgentMetadata {
  const root = parseMetadata(xml);
  const isOcf11 = child(root, 'version')?.text?.trim() === '1.1';
  const parameters = children(child(root, 'parameters'), 'parameter');
  return {
    parameters: parameters.map(isOcf11 ? parameterOf11 : (each) => parameterOf10(each, parameters)),
    actions: children(child(root, 'actions'), 'action').map(({ attributes }) => ({
      name: attributes['name'] ?? '',
      attributes,
    })),
    isOcf11,
  };
}

function parameterOf11(parameter: XmlElement): AgentParameter {
  const { name = '', required, 'unique-group': uniqueGroup } = parameter.attributes;
  const deprecated = child(parameter, 'deprecated');
  const replacements = children(deprecated, 'replaced-with');
  return {
    ...{ name, required: required === '1', deprecated: deprecated !== undefined, uniqueGroup },
    replacedBy: replacements.map(({ attributes }) => attributes['name'] ?? ''),
  };
}

/** In 1.0 the replacement tells, and each unique parameter is unique by itself. */
function parameterOf10(
  { attributes }: XmlElement,
  parameters: readonly XmlElement[],
): AgentParameter {
  const { name = '', required, deprecated, unique } = attributes;
  return {
    ...{ name, required: required === '1', deprecated: deprecated === '1' },
    replacedBy: parameters
      .filter((each) => each.attributes['obsoletes'] === name)
      .map((each) => each.attributes['name'] ?? ''),
    uniqueGroup: unique === '1' ? name : undefined,
  };
}

function parseMetadata(xml: string): XmlElement {
  // Pacemaker 2.0 and many agents name a DTD, of which nothing is needed; nor is anything of most
  // descriptions, which are three quarters of the text.
  const needed = xml
    .replace(/<!DOCTYPE\s[^[<>]*>/, '')
    .replace(/<(longdesc|shortdesc)\b[^<>]*>(?![^<]*Allowed values: )[^<]*<\/\1>/g, '');
  return parseXml(needed);
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
