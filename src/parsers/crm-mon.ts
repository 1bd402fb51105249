import { roleIn } from './cib/values.ts';
import { child, children, descendants, parseXml, type XmlElement } from './xml.ts';

/** The state of a cluster as `crm_mon --as-xml` prints it. */
export interface ClusterState {
  /** The output, to the byte. */
  xml: string;
  root: XmlElement;
}

/** A node's own state; see `crm_mon` in Pacemaker's schema nodes-*.rng. */
export interface NodeState {
  name: string;
  /** Its number, or the name of a remote node. */
  id: string;
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

/** Whether crm_mon got no state of the cluster, but only that of pacemakerd, which starts and stops the other daemons. */
export function hasOnlyPacemakerd({ root }: ClusterState): boolean {
  return child(root, 'pacemakerd') !== undefined && child(root, 'nodes') === undefined;
}

/** All cluster nodes, remote and guest nodes in crm_mon's order. */
export function nodeStates({ root }: ClusterState): NodeState[] {
  return children(child(root, 'nodes'), 'node').map(({ attributes }) => ({
    name: attributes['name'] ?? '',
    id: attributes['id'] ?? '',
    remote: attributes['type'] === 'remote',
    online: attributes['online'] === 'true',
    standby: attributes['standby'] === 'true' || attributes['standby_onfail'] === 'true',
    maintenance: attributes['maintenance'] === 'true',
  }));
}

/** All attributes of the node's own element, or undefined if there is no node of that name. */
export function nodeNamed(
  { root }: ClusterState,
  name: string,
): XmlElement['attributes'] | undefined {
  return children(child(root, 'nodes'), 'node').find(
    ({ attributes }) => attributes['name'] === name,
  )?.attributes;
}

/** A node's attributes, permanent and transient. crm_mon leaves out those that steer the cluster (`standby` …). */
export function nodeAttributes({ root }: ClusterState, name: string): Record<string, string> {
  const node = children(child(root, 'node_attributes'), 'node').find(
    ({ attributes }) => attributes['name'] === name,
  );
  return Object.fromEntries(
    children(node, 'attribute').map(({ attributes }) => [
      attributes['name'] ?? '',
      attributes['value'] ?? '',
    ]),
  );
}

/** An instance of a primitive with the nodes where it is active. */
export interface Instance {
  /** The primitive's id, without the number of the instance. */
  id: string;
  promoted: boolean;
  /** The meta attribute in effect; undefined if none is. */
  targetRole: string | undefined;
  /** Whether the cluster may start and stop it, by its own settings and those of its node and the cluster. */
  managed: boolean;
  /** Whether a failure prevents the cluster from doing anything with it. */
  blocked: boolean;
  nodes: readonly string[];
  /** Whether its last operation failed, and the cluster has not recovered it yet. */
  failed: boolean;
}

/**
 * The instances of a resource. For a group, clone or bundle, these are the instances of all its members.
 * @returns undefined if there is no such resource, not even a removed one that still runs
 */
export function instancesOf({ root }: ClusterState, name: string): Instance[] | undefined {
  const resources = child(root, 'resources');
  if (resources === undefined) return undefined;
  const elements = ['resource', 'group', 'clone', 'bundle'].flatMap((kind) =>
    descendants(resources, kind).filter((each) => isNamed(each, name)),
  );
  if (elements.length === 0) return undefined;
  return elements.flatMap((element) =>
    element.name === 'resource'
      ? [instanceOf(element)]
      : descendants(element, 'resource').map(instanceOf),
  );
}

/** The instances of all resources. */
export function allInstances({ root }: ClusterState): Instance[] {
  const resources = child(root, 'resources');
  return resources ? descendants(resources, 'resource').map(instanceOf) : [];
}

function instanceOf(element: XmlElement): Instance {
  const { attributes } = element;
  return {
    id: withoutInstance(attributes['id'] ?? ''),
    promoted: roleIn(attributes['role'] ?? '', true) === 'Promoted',
    targetRole: attributes['target_role'],
    managed: attributes['managed'] !== 'false',
    blocked: attributes['blocked'] === 'true',
    nodes: children(element, 'node').map((node) => node.attributes['name'] ?? ''),
    failed: attributes['failed'] === 'true',
  };
}

/** An operation that failed and has not been cleaned up since. */
export interface Failure {
  /** The primitive's id, without the number of the instance. */
  resource: string;
  node: string;
  task: string;
  /** The reason that the agent gave, or else the meaning of the exit code. */
  reason: string;
  /** By the OCF Resource Agent API. */
  exitCode: number;
}

/** The operations that failed, in crm_mon's order. */
export function failuresIn({ root }: ClusterState): Failure[] {
  return children(child(root, 'failures'), 'failure').map(({ attributes }) => {
    const { op_key: key = '', node = '', task = '', interval = '0', status = '' } = attributes;
    const { exitreason: reason = '', exitstatus: exit = '', exitcode: code = '' } = attributes;
    const end = `_${task}_${interval}`;
    const id = key.endsWith(end) ? key.slice(0, -end.length) : key;
    // `Done` since 3.0.
    const ended = ['', 'complete', 'Done'].includes(status) ? '' : `, ${status}`;
    return {
      resource: withoutInstance(id),
      node,
      task,
      reason: reason === '' ? `${exit} (exit code ${code}${ended})` : reason,
      exitCode: Number(code),
    };
  });
}

/** How often a primitive failed on a node, and how often it may fail before it is moved away from the node. */
export interface FailCount {
  resource: string;
  node: string;
  /** 1000000 stands for INFINITY, which is also the count of a failed start by default. */
  count: number;
  /** 0 if there is no limit. */
  threshold: number;
}

export function failCountsIn({ root }: ClusterState): FailCount[] {
  return children(child(root, 'node_history'), 'node').flatMap((node) =>
    children(node, 'resource_history').map(({ attributes }) => ({
      resource: withoutInstance(attributes['id'] ?? ''),
      node: node.attributes['name'] ?? '',
      count: Number(attributes['fail-count'] ?? 0),
      threshold: Number(attributes['migration-threshold'] ?? 0),
    })),
  );
}

/** A location constraint in effect that keeps a resource away from a node. */
export interface Ban {
  id: string;
  resource: string;
  node: string;
  /** -1000000 stands for -INFINITY. */
  weight: number;
  promotedOnly: boolean;
}

export function bansIn({ root }: ClusterState): Ban[] {
  return children(child(root, 'bans'), 'ban').map(({ attributes }) => ({
    id: attributes['id'] ?? '',
    resource: attributes['resource'] ?? '',
    node: attributes['node'] ?? '',
    weight: Number(attributes['weight'] ?? 0),
    promotedOnly: [attributes['promoted-only'], attributes['master_only']].includes('true'),
  }));
}

/** Conditions of the cluster as a whole. */
export interface ClusterConditions {
  hasCoordinator: boolean;
  hasQuorum: boolean;
  /** Some of the properties in effect: `no-quorum-policy`, `maintenance-mode`, `stop-all-resources` … */
  options: Readonly<Record<string, string>>;
}

export function conditionsIn({ root }: ClusterState): ClusterConditions {
  const summary = child(root, 'summary');
  const coordinator = child(summary, 'current_dc')?.attributes ?? {};
  return {
    hasCoordinator: coordinator['present'] !== 'false',
    hasQuorum: coordinator['with_quorum'] !== 'false',
    options: child(summary, 'cluster_options')?.attributes ?? {},
  };
}

function isNamed({ attributes }: XmlElement, name: string): boolean {
  return withoutInstance(attributes['id'] ?? '') === name;
}

/** The id of a primitive from that of its instance, which has a number in some clones: `ID:0`. Ids contain no colon. */
export function withoutInstance(id: string): string {
  return id.replace(/:\d+$/, '');
}
