import { type JsonObject, toJson } from './xml-to-json.ts';
import { child, children, parseXml, type XmlElement } from './xml.ts';

/**
 * What repeats in crm_mon's output by Pacemaker's schemas (xml/api/*.rng), parent and child. Programs
 * walk these lists, so they are arrays for one element as well.
 */
const lists: Readonly<Record<string, readonly string[]>> = {
  nodes: ['node'],
  node: ['resource', 'group', 'clone', 'bundle', 'attribute', 'resource_history'],
  resources: ['resource', 'group', 'clone', 'bundle'],
  group: ['resource'],
  clone: ['resource', 'group'],
  bundle: ['replica'],
  replica: ['resource'],
  resource: ['node'],
  node_attributes: ['node'],
  node_history: ['node'],
  resource_history: ['operation_history'],
  failures: ['failure'],
  fence_history: ['fence_event'],
  tickets: ['ticket'],
  bans: ['ban'],
};

/** The state of a cluster as `crm_mon --as-xml` tells it. */
export interface ClusterState {
  /** The output, to the byte. */
  xml: string;
  root: XmlElement;
}

/** A node's own state; see `crm_mon` in Pacemaker's schema nodes-*.rng. */
export interface NodeState {
  name: string;
  remote: boolean;
  online: boolean;
  standby: boolean;
  maintenance: boolean;
}

/**
 * Reads the output of `crm_mon --as-xml` or `--output-as=xml`, of Pacemaker 1.1 to 3.0.
 * @throws Fault `unreadable_output`
 */
export function parseCrmMon(xml: string): ClusterState {
  return { xml, root: parseXml(xml) };
}

/** The whole state as the documented JSON; unknown elements and attributes are passed on. */
export function stateAsJson({ root }: ClusterState): JsonObject {
  const content = {
    ...root,
    // <pacemaker-result> ends with how the command went, which is not the cluster's state.
    children: root.children.filter(({ name }) => name !== 'status'),
  };
  const json = toJson(content, (parent, name) => lists[parent]?.includes(name) ?? false);
  return typeof json === 'object' && !Array.isArray(json) ? (json as JsonObject) : {};
}

/** All cluster nodes, remote and guest nodes in crm_mon's order. */
export function nodeStates({ root }: ClusterState): NodeState[] {
  return children(child(root, 'nodes'), 'node').map(({ attributes }) => ({
    name: attributes['name'] ?? '',
    remote: attributes['type'] === 'remote',
    online: attributes['online'] === 'true',
    standby: attributes['standby'] === 'true' || attributes['standby_onfail'] === 'true',
    maintenance: attributes['maintenance'] === 'true',
  }));
}
