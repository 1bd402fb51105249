import { child, children, parseXml, type XmlElement } from './xml.ts';

/** A parameter that a daemon or an agent describes. */
export interface Parameter {
  name: string;
  /** As in the metadata; undefined if there is none. */
  default: string | undefined;
  /** `boolean`, `integer`, `time`, `percentage`, `select` … */
  type: string;
  /** The allowed values, if only certain ones are. */
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

/** The parameters and actions of an agent, from its metadata. */
export interface AgentMetadata {
  parameters: readonly AgentParameter[];
  actions: readonly AgentAction[];
  /** Whether it follows OCF 1.1, where the metadata says whether the agent can be promoted. */
  isOcf11: boolean;
}

/** What is needed of a parameter to check which ones are given. */
export interface AgentParameter {
  name: string;
  required: boolean;
  deprecated: boolean;
  /** The parameters to use instead. */
  replacedBy: readonly string[];
  /** Two resources of one agent must not have the same values in all parameters of one group. */
  uniqueGroup: string | undefined;
}

/** An action with its attributes as in the metadata: `timeout`, `interval`, `role`, `depth` … */
export interface AgentAction {
  name: string;
  attributes: Readonly<Record<string, string>>;
}

/**
 * Reads the metadata of a resource agent or fence agent of OCF 1.0 or 1.1 (OCF Resource Agent API, ra-api.rng). Metadata
 * of any other version is read as 1.0.
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
    name,
    required: required === '1',
    deprecated: deprecated !== undefined,
    uniqueGroup,
    replacedBy: replacements.map(({ attributes }) => attributes['name'] ?? ''),
  };
}

/** In OCF 1.0, the new parameter names the one it replaces, and each unique parameter is unique by itself. */
function parameterOf10(
  { attributes }: XmlElement,
  parameters: readonly XmlElement[],
): AgentParameter {
  const { name = '', required, deprecated, unique } = attributes;
  return {
    name,
    required: required === '1',
    deprecated: deprecated === '1',
    replacedBy: parameters
      .filter((each) => each.attributes['obsoletes'] === name)
      .map((each) => each.attributes['name'] ?? ''),
    uniqueGroup: unique === '1' ? name : undefined,
  };
}

function parseMetadata(xml: string): XmlElement {
  // Pacemaker 2.0 and many agents name a DTD, which is not needed. Neither are most descriptions, which make up three
  // quarters of the text.
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
  // Pacemaker 2.0 lists the values only in the description.
  const list = /Allowed values: ([\w, -]+)/.exec(child(parameter, 'longdesc')?.text ?? '')?.[1];
  return list?.split(',').map((value) => value.trim());
}
