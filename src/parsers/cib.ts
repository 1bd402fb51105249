import { followIn, type Follow } from './cib-references.ts';
import { scoreOf } from './cib-values.ts';
import { asXmlHasIt, type JsonObject } from './xml-to-json.ts';
import { child, children, parseXml, type XmlElement } from './xml.ts';

/**
 * What an element says beyond what its type here has fields for, as XML has it: attributes as strings,
 * child elements as arrays. New Pacemakers add to the CIB at any time, and nothing of it may be lost.
 */
export type Rest = JsonObject;

/** Names and values, by name. */
export type Pairs = Readonly<Record<string, string>>;

/**
 * The attribute sets of one kind in an element (`instance_attributes`, `meta_attributes`,
 * `utilization`, `cluster_property_set`).
 */
export interface AttributeSets {
  /**
   * What counts when no rule is looked at: of two sets the one with the higher score, of equals the
   * one that stands last; of two pairs in one set that which stands first (so crm_resource
   * --get-parameter says on 2.0, 2.1 and 3.0). Sets with a rule are left out, for when they count is
   * Pacemaker's to judge. References are followed.
   */
  pairs: Pairs;
  /** Names that a set with a rule has a value for. */
  underRules: readonly string[];
  /** The sets with more to them than an id and pairs: a rule, a score, a reference. */
  whole: readonly Rest[];
}

/** An `<op>` of a resource. */
export interface Operation {
  id: string;
  /** All but the id; `name` is missing in a reference. */
  attributes: Pairs;
  params: AttributeSets;
  meta: AttributeSets;
  rest: Rest;
}

/** What primitives and templates have in common. */
export interface Definition {
  id: string;
  /** Undefined in a primitive that is made from a template: see `templateOf`. */
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
  /** `master` is what Pacemaker 1.1 called a promotable clone. */
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
  /** All attributes but the id. */
  options: Pairs;
  rest: Rest;
}

export interface Constraint {
  /** The element's name: `rsc_location`, `rsc_order`, `rsc_colocation`, `rsc_ticket`, or a newer one. */
  element: string;
  id: string;
  /** All but the id. */
  attributes: Pairs;
  sets: readonly ResourceSet[];
  /** Rules, lifetimes and whatever else is inside. */
  rest: Rest;
}

/** A `<fencing-level>`: devices that are used together, for the nodes that `target…` tells. */
export interface FencingLevel {
  id: string;
  index: string;
  devices: readonly string[];
  target: string | undefined;
  pattern: string | undefined;
  attribute: string | undefined;
  /** Of `attribute`. */
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

/** The configuration that a CIB holds; see Pacemaker's schemas (xml/*.rng). */
export interface Cib {
  /** `admin_epoch.epoch`, which changes with each change of the configuration. */
  version: string;
  /** The schema that the configuration goes by. */
  validateWith: string;
  properties: AttributeSets;
  nodes: readonly CibNode[];
  resources: readonly Resource[];
  templates: readonly Definition[];
  constraints: readonly Constraint[];
  levels: readonly FencingLevel[];
  /** The whole of `<configuration>` as XML has it: tags, ACLs, alerts and defaults are in no other field. */
  configuration: JsonObject;
}

const containerKinds = ['group', 'clone', 'master', 'bundle'] as const;

/**
 * The CIB without what it knows of the cluster's state, which may be a hundred times as long as the
 * configuration and changes all the time.
 */
export function withoutStatus(xml: string): string {
  // Serialised XML has no `<` but where an element begins, or in a comment. The status is last, and what
  // is in it may have any name.
  const start = xml.indexOf('<status', xml.lastIndexOf('</configuration>'));
  if (start < 0 || !/^<status(?:\/>|>.*<\/status>)\s*<\/cib>\s*$/s.test(xml.slice(start)))
    return xml;
  return `${xml.slice(0, start)}<status/>\n</cib>\n`;
}

/** A CIB without status, with that of another. */
export function withStatusOf(xml: string, whole: string): string {
  const status = whole.slice(
    withoutStatus(whole).lastIndexOf('<status'),
    whole.lastIndexOf('</cib>'),
  );
  const start = xml.lastIndexOf('<status');
  return `${xml.slice(0, start < 0 ? xml.lastIndexOf('</cib>') : start)}${status}</cib>\n`;
}

/** An attribute that a node has until it leaves the cluster. */
export interface TransientAttribute {
  node: string;
  name: string;
}

/** The same CIB, but with a node that has no such attribute in its state. */
export function withoutTransient(whole: string, { node, name }: TransientAttribute): string {
  const start = '<node_state ';
  const isOfNode = (state: string) => {
    const attributes = state.slice(0, state.indexOf('>')).replace(/\/$/, '');
    return parseXml(`${start}${attributes}/>`).attributes['uname'] === node;
  };
  const [before, ...states] = whole.split(start);
  const without = states.map((state) =>
    isOfNode(state)
      ? state.replace(/<nvpair [^<>]*>/g, (pair) => (pair.includes(` name="${name}"`) ? '' : pair))
      : state,
  );
  return [before, ...without].join(start);
}

/**
 * Whether the text of a CIB is the cluster's. That of a node which has started and not joined yet is its own of
 * before: without status, which is never on the disk, or with one that knows no member.
 */
export function isOfCluster(xml: string): boolean {
  return /<node_state\s[^<>]*\bjoin="member"/.test(xml);
}

/** The coordinator (DC), as the text of a CIB has it; undefined where it names none. */
export function coordinatorOfCib(xml: string): { id: string; name: string } | undefined {
  const id = /<cib\s[^<>]*\sdc-uuid="([^"]*)"/.exec(xml)?.[1];
  if (id === undefined) return undefined;
  const node = [...xml.matchAll(/<node\s[^<>]*>/g)].find(
    ([tag]) => /\sid="([^"]*)"/.exec(tag)?.[1] === id,
  );
  const name = node && /\suname="([^"]*)"/.exec(node[0])?.[1];
  return name === undefined ? undefined : { id, name };
}

/** `admin_epoch.epoch` of the text of a CIB. */
export function versionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch}`;
}

/** The same of the next configuration, for which Pacemaker counts on by one. */
export function nextVersionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch + 1}`;
}

/** What counts changes of the configuration, in the text of a CIB. */
function countersOfCib(xml: string): { adminEpoch: number; epoch: number } {
  const start = /<cib\s[^<>]*>/.exec(xml)?.[0] ?? '';
  const of = (name: string) => Number(new RegExp(`\\s${name}="([^"]*)"`).exec(start)?.[1] ?? 0);
  return { adminEpoch: of('admin_epoch'), epoch: of('epoch') };
}

/** The same CIB, but with a resource that is made from a template saying itself what its agent is. */
export function withAgentsOfTemplates(xml: string): string {
  const agents = new Map(
    // No `<` is in the value of an attribute.
    [...xml.matchAll(/<template [^<]*/g)].map(([tag]) => [
      / id="([^"]*)"/.exec(tag)?.[1],
      tag.match(/ (?:class|provider|type)="[^"]*"/g)?.join('') ?? '',
    ]),
  );
  return xml.replace(
    /(<primitive [^<]*?) template="([^"<]*)"/g,
    (_tag, before: string, id: string) => `${before}${agents.get(id) ?? ''}`,
  );
}

/**
 * What tells one configuration from another, from the text of a CIB alone: two of one identity differ
 * in nothing but what they know of the cluster's state.
 */
export function configurationIdentity(xml: string): string {
  const start = xml.indexOf('<configuration');
  if (start < 0) return xml;
  const version = xml.slice(0, start).match(/\b(?:admin_epoch|epoch|validate-with)="[^"]*"/g);
  return `${version?.join(' ') ?? ''} ${xml.slice(start)}`;
}

/**
 * Reads a CIB as `cibadmin --query` prints it, of Pacemaker 1.1 to 3.0.
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

/** All primitives, with the containers that each is in, outermost first. */
export function primitivesIn(
  resources: readonly Resource[],
  containers: readonly Container[] = [],
): { primitive: Primitive; containers: readonly Container[] }[] {
  return resources.flatMap((each) =>
    each.kind === 'primitive'
      ? [{ primitive: each, containers }]
      : primitivesIn(each.members, [...containers, each]),
  );
}

/** The ids of all primitives in a container. */
export function primitiveIds({ members }: Container): string[] {
  return primitivesIn(members).map(({ primitive }) => primitive.id);
}

/** All groups, clones and bundles, with the containers that each is in, outermost first. */
export function containersIn(
  resources: readonly Resource[],
  containers: readonly Container[] = [],
): { container: Container; containers: readonly Container[] }[] {
  return resources.flatMap((each) =>
    each.kind === 'primitive'
      ? []
      : [{ container: each, containers }, ...containersIn(each.members, [...containers, each])],
  );
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
  // A reference to the operations of another resource is passed on as well.
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
      ...['id', 'index', 'devices'],
      ...['target', 'target-pattern', 'target-attribute', 'target-value'],
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

/** The set that Pacemaker itself writes counts before all others, whatever their scores. */
function propertiesOf(crmConfig: XmlElement | undefined, follow: Follow): AttributeSets {
  const sets = children(crmConfig, 'cluster_property_set');
  const isOwn = (set: XmlElement) => idOf(set) === 'cib-bootstrap-options';
  const own = setsOf(sets.filter(isOwn), follow);
  const others = setsOf(
    sets.filter((set) => !isOwn(set)),
    follow,
  );
  return {
    pairs: { ...others.pairs, ...own.pairs },
    underRules: [...own.underRules, ...others.underRules],
    whole: [...own.whole, ...others.whole],
  };
}

/** @param raw sets of one kind in an element, in its order */
export function setsOf(raw: readonly XmlElement[], follow: Follow): AttributeSets {
  const sets = raw.map(follow);
  const hasRule = (set: XmlElement) => child(set, 'rule') !== undefined;
  const scoreOfSet = ({ attributes }: XmlElement) => scoreOf(attributes['score']);
  const pairsOf = (set: XmlElement) => children(set, 'nvpair').map(follow);
  const strongestFirst = sets
    .filter((set) => !hasRule(set))
    .toReversed()
    .toSorted((one, other) => scoreOfSet(other) - scoreOfSet(one));
  const pairs = new Map<string, string>();
  for (const { attributes } of strongestFirst.flatMap(pairsOf)) {
    const { name, value } = attributes;
    if (name !== undefined && value !== undefined && !pairs.has(name)) pairs.set(name, value);
  }
  return {
    pairs: Object.fromEntries(pairs),
    underRules: sets
      .filter(hasRule)
      .flatMap(pairsOf)
      .map(({ attributes }) => attributes['name'] ?? ''),
    whole: raw.filter((set) => !isPlain(set)).map((set) => restOf(set, [])),
  };
}

/** Nothing but an id and pairs. */
function isPlain(set: XmlElement): boolean {
  return (
    saysOnly(set, ['id'], ['nvpair']) &&
    set.children.every(
      (each) => saysOnly(each, ['id', 'name', 'value'], []) && 'value' in each.attributes,
    )
  );
}

function saysOnly(
  element: XmlElement,
  attributes: readonly string[],
  childNames: readonly string[],
): boolean {
  return (
    Object.keys(element.attributes).every((name) => attributes.includes(name)) &&
    element.children.every(({ name }) => childNames.includes(name))
  );
}

function restOf(
  element: XmlElement,
  knownAttributes: readonly string[],
  knownChildren: readonly string[] = [],
): Rest {
  return asXmlHasIt({
    ...element,
    attributes: Object.fromEntries(
      Object.entries(element.attributes).filter(([name]) => !knownAttributes.includes(name)),
    ),
    children: element.children.filter(({ name }) => !knownChildren.includes(name)),
  });
}

function idOf({ attributes }: XmlElement): string {
  return attributes['id'] ?? '';
}
