import { type ClusterState, nodeStates } from '../../../cluster/model.ts';
import type { Status } from '../../../cluster/reading/status.ts';
import { toJson } from './converter.ts';
import type { JsonObject, JsonValue } from './json.ts';

/**
 * Elements that may repeat in crm_mon's output by Pacemaker's schemas (xml/api/*.rng), by their parent. Programs walk
 * these lists, so they are arrays even for one element.
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

/** The value of each documented key if crm_mon leaves its section out, or has nothing in it. */
const whenEmpty: JsonObject = {
  version: '',
  summary: '',
  nodes: '',
  resources: {},
  node_attributes: '',
  node_history: '',
  fence_history: '',
  tickets: '',
  bans: '',
};

/**
 * Makes the writer of the documented status, in UTF-8. It writes each status once for all callers, because the status
 * may be large and the callers many.
 */
export function makeStatusWriter(): (status: Status) => Buffer {
  const written = new WeakMap<Status, Buffer>();
  return (status) => {
    const known = written.get(status);
    if (known) return known;
    const json = Buffer.from(JSON.stringify(documentedStatus(status)));
    written.set(status, json);
    return json;
  };
}

/**
 * The documented status: all documented keys, in their order. Newer Pacemakers leave out empty sections, which programs
 * walk. Keys that Pacemaker has added since come last.
 */
function documentedStatus({ state, clusterName, pcsText }: Status): JsonObject {
  const said = stateAsJson(state);
  const documented = Object.entries(whenEmpty).map(([key, empty]) => {
    const value = said[key] ?? empty;
    const section = Object.keys(value).length === 0 ? empty : value;
    return [key, key === 'node_history' ? wholeHistory(state, section) : section] as const;
  });
  const added = Object.entries(said).filter(([key]) => !Object.hasOwn(whenEmpty, key));
  return {
    ...Object.fromEntries(documented),
    ...(pcsText !== undefined && { raw: pcsText }),
    xml: state.xml,
    cluster_name: clusterName,
    ...Object.fromEntries(added),
  };
}

/** The history with an entry for each node, even if nothing has happened on it yet. */
function wholeHistory(state: ClusterState, history: JsonValue): JsonValue {
  const known = typeof history === 'object' ? (history as { node?: readonly JsonObject[] }) : {};
  const entries = known.node ?? [];
  const missing = nodeStates(state)
    .map(({ name }) => name)
    .filter((name) => !entries.some((entry) => entry['name'] === name))
    .map((name) => ({ name, $t: '' }));
  return { ...known, node: [...entries, ...missing] };
}

/** The whole state as JSON by the converter's rules. Unknown elements and attributes are included. */
export function stateAsJson({ root }: ClusterState): JsonObject {
  const content = {
    ...root,
    // <pacemaker-result> ends with the result of the command, which is not part of the cluster's state.
    children: root.children.filter(({ name }) => name !== 'status'),
  };
  const isList = (parent: string, name: string) =>
    Object.hasOwn(lists, parent) && (lists[parent] ?? []).includes(name);
  const json = toJson(content, isList);
  return typeof json === 'object' && !Array.isArray(json) ? (json as JsonObject) : {};
}
