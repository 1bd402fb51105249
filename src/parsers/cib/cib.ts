import type { XmlContent } from '../xml-content.ts';
import { child, children, parseXml, type XmlElement } from '../xml.ts';
import {
  type AttributeSets,
  type Pairs,
  propertiesOf,
  type Rest,
  restOf,
  saysOnly,
  setsOf,
} from './attribute-sets.ts';
import { followIn, type Follow } from './references.ts';

/** An `<op>` of a resource. */
export interface Operation {
  id: string;
  /** All attributes except the id; `name` is missing in a reference. */
  attributes: Pairs;
  params: AttributeSets;
  meta: AttributeSets;
  rest: Rest;
}

/** What primitives and templates have in common. */
export interface Definition {
  id: string;
  /** Undefined in a primitive that is made from a template. */
  class: string | undefined;
  provider: string | undefined;
  type: string | undefined;
  params: AttributeSets;
  meta: AttributeSets;
  utilization: AttributeSets;
  operations: readonly Operation[];
  rest: Rest;
}

export interface Primitive extends Definition {
  kind: 'primitive';
  /** The id of the template that it is made from. */
  template: string | undefined;
}

export interface Container {
  /** `master` is the promotable clone of Pacemaker 1.1. */
  kind: 'group' | 'clone' | 'master' | 'bundle';
  id: string;
  params: AttributeSets;
  meta: AttributeSets;
  members: readonly Resource[];
  rest: Rest;
}

export type Resource = Primitive | Container;

/** A `<resource_set>` of a constraint. */
export interface ResourceSet {
  id: string | undefined;
  resources: readonly string[];
  /** All attributes except the id. */
  options: Pairs;
  rest: Rest;
}

export interface Constraint {
  /** The element's name: `rsc_location`, `rsc_order`, `rsc_colocation`, `rsc_ticket`, or a newer one. */
  element: string;
  id: string;
  /** All attributes except the id. */
  attributes: Pairs;
  sets: readonly ResourceSet[];
  /** Rules, lifetimes and other content. */
  rest: Rest;
}

/** A `<fencing-level>`: devices that are used together for certain nodes. */
export interface FencingLevel {
  id: string;
  index: string;
  devices: readonly string[];
  target: string | undefined;
  pattern: string | undefined;
  attribute: string | undefined;
  /** The value of `attribute`. */
  value: string | undefined;
  rest: Rest;
}

export interface CibNode {
  id: string;
  name: string;
  attributes: AttributeSets;
  utilization: AttributeSets;
  rest: Rest;
}

/** The configuration in a CIB; see Pacemaker's schemas (xml/*.rng). */
export interface Cib {
  /** `admin_epoch.epoch`, which changes with each change of the configuration. */
  version: string;
  /** The name of the configuration's schema. */
  validateWith: string;
  properties: AttributeSets;
  nodes: readonly CibNode[];
  resources: readonly Resource[];
  templates: readonly Definition[];
  constraints: readonly Constraint[];
  levels: readonly FencingLevel[];
  /** The content of `<configuration>`. Tags, ACLs, alerts and defaults are in no other field. */
  configuration: XmlContent;
}

const containerKinds = ['group', 'clone', 'master', 'bundle'] as const;

/**
 * Reads a CIB of Pacemaker 1.1 to 3.0, as `cibadmin --query` prints it.
 * @throws Fault `unreadable_output`
 */
export function parseCib(xml: string): Cib {
  const root = parseXml(xml);
  const configuration = child(root, 'configuration');
  const resources = child(configuration, 'resources');
  const follow = followIn(root);
  return {
    version: versionOf(root),
    validateWith: root.attributes['validate-with'] ?? '',
    properties: propertiesOf(child(configuration, 'crm_config'), follow),
    nodes: children(child(configuration, 'nodes'), 'node').map((each) => nodeOf(each, follow)),
    resources: membersOf(resources, follow),
    templates: children(resources, 'template').map((each) => definitionOf(each, [], follow)),
    constraints: (child(configuration, 'constraints')?.children ?? []).map(constraintOf),
    levels: children(child(configuration, 'fencing-topology'), 'fencing-level').map(levelOf),
    configuration: configuration ? restOf(configuration, []) : {},
  };
}

function versionOf({ attributes }: XmlElement): string {
  return `${attributes['admin_epoch'] ?? '0'}.${attributes['epoch'] ?? '0'}`;
}

function membersOf(element: XmlElement | undefined, follow: Follow): Resource[] {
  return (element?.children ?? []).flatMap((each): Resource[] => {
    if (each.name === 'primitive') return [primitiveOf(each, follow)];
    const kind = containerKinds.find((known) => known === each.name);
    return kind ? [containerOf(each, kind, follow)] : [];
  });
}

function primitiveOf(element: XmlElement, follow: Follow): Primitive {
  return {
    kind: 'primitive',
    template: element.attributes['template'],
    ...definitionOf(element, ['template'], follow),
  };
}

function definitionOf(element: XmlElement, known: readonly string[], follow: Follow): Definition {
  const { attributes } = element;
  const operations = children(element, 'operations');
  const typed = ['instance_attributes', 'meta_attributes', 'utilization'];
  // A reference to the operations of another resource belongs to the rest as well.
  const plain = operations.every((each) => saysOnly(each, ['id'], ['op']));
  return {
    id: idOf(element),
    class: attributes['class'],
    provider: attributes['provider'],
    type: attributes['type'],
    params: setsOf(children(element, 'instance_attributes'), follow),
    meta: setsOf(children(element, 'meta_attributes'), follow),
    utilization: setsOf(children(element, 'utilization'), follow),
    operations: operations
      .flatMap((each) => children(follow(each), 'op'))
      .map((each) => operationOf(each, follow)),
    rest: restOf(
      element,
      ['id', 'class', 'provider', 'type', ...known],
      plain ? [...typed, 'operations'] : typed,
    ),
  };
}

function operationOf(element: XmlElement, follow: Follow): Operation {
  const { id = '', ...attributes } = element.attributes;
  return {
    id,
    attributes,
    params: setsOf(children(element, 'instance_attributes'), follow),
    meta: setsOf(children(element, 'meta_attributes'), follow),
    rest: restOf(element, Object.keys(element.attributes), [
      'instance_attributes',
      'meta_attributes',
    ]),
  };
}

function containerOf(element: XmlElement, kind: Container['kind'], follow: Follow): Container {
  return {
    kind,
    id: idOf(element),
    params: setsOf(children(element, 'instance_attributes'), follow),
    meta: setsOf(children(element, 'meta_attributes'), follow),
    members: membersOf(element, follow),
    rest: restOf(
      element,
      ['id'],
      ['instance_attributes', 'meta_attributes', 'primitive', ...containerKinds],
    ),
  };
}

function constraintOf(element: XmlElement): Constraint {
  const { id = '', ...attributes } = element.attributes;
  return {
    element: element.name,
    id,
    attributes,
    sets: children(element, 'resource_set').map(resourceSetOf),
    rest: restOf(element, Object.keys(element.attributes), ['resource_set']),
  };
}

function resourceSetOf(element: XmlElement): ResourceSet {
  const { id, ...options } = element.attributes;
  const references = children(element, 'resource_ref');
  const plain = references.every((each) => saysOnly(each, ['id'], []));
  return {
    id,
    resources: references.map(idOf),
    options,
    rest: restOf(element, Object.keys(element.attributes), plain ? ['resource_ref'] : []),
  };
}

function levelOf(element: XmlElement): FencingLevel {
  const { attributes } = element;
  return {
    id: idOf(element),
    index: attributes['index'] ?? '',
    devices: (attributes['devices'] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
    target: attributes['target'],
    pattern: attributes['target-pattern'],
    attribute: attributes['target-attribute'],
    value: attributes['target-value'],
    rest: restOf(element, [
      'id',
      'index',
      'devices',
      'target',
      'target-pattern',
      'target-attribute',
      'target-value',
    ]),
  };
}

function nodeOf(element: XmlElement, follow: Follow): CibNode {
  return {
    id: idOf(element),
    name: element.attributes['uname'] ?? '',
    attributes: setsOf(children(element, 'instance_attributes'), follow),
    utilization: setsOf(children(element, 'utilization'), follow),
    rest: restOf(element, ['id', 'uname', 'type'], ['instance_attributes', 'utilization']),
  };
}

function idOf({ attributes }: XmlElement): string {
  return attributes['id'] ?? '';
}
