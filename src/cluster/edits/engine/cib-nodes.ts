import { childToEdit, type EditableXml } from '../../../parsers/xml-edit.ts';
import { nodeNotFound } from '../../nodes.ts';
import { membersOf, resourcesIn } from './cib-elements.ts';
import { isPair } from './cib-pairs.ts';

/** Whether there is a node of that name: a cluster node, or a node that a resource makes. */
export function isNode(configuration: EditableXml, name: string): boolean {
  return (
    makerOf(configuration, name) !== undefined ||
    childToEdit(configuration, 'nodes').children.some(
      ({ attributes }) => attributes['uname'] === name,
    )
  );
}

/** Faults: `node_not_found` */
export function checkNode(configuration: EditableXml, name: string): void {
  if (!isNode(configuration, name)) throw nodeNotFound(name);
}

/** The id of the resource that makes a node of that name. */
export function makerOf(configuration: EditableXml, name: string): string | undefined {
  const all = membersOf(childToEdit(configuration, 'resources')).flatMap(resourcesIn);
  return all.find((each) => nodesMadeBy(each).includes(name))?.attributes['id'];
}

/**
 * The names of the nodes that a resource itself makes: a remote node, a guest node, or one for each replica of a bundle with
 * a resource in it. Resources inside, templates and references do not count (`xml_contains_remote_node` and
 * `pe__unpack_bundle` in libpe_status; crm_mon shows the same).
 */
export function nodesMadeBy({ name, attributes, children }: EditableXml): string[] {
  const { id = '', type } = attributes;
  if (name === 'primitive') {
    const guests = children
      .filter((each) => each.name === 'meta_attributes')
      .flatMap((set) => set.children.filter((each) => isPair(each, 'remote-node')))
      .map((pair) => pair.attributes['value'] ?? '');
    return [...(type === 'remote' ? [id] : []), ...guests];
  }
  if (name !== 'bundle' || !children.some((each) => each.name === 'primitive')) return [];
  const container = children.find((each) => ['docker', 'podman', 'rkt'].includes(each.name));
  const { replicas, masters, 'promoted-max': promoted = masters } = container?.attributes ?? {};
  const count = countOf(replicas) ?? countOf(promoted) ?? 1;
  return Array.from({ length: count }, (_none, index) => `${id}-${index}`);
}

/** This limit is far above real clusters. A configuration may name any number of replicas. */
const maxReplicas = 1000;

/** A positive number, as in the schema (bundle-*.rng, `positiveInteger`). */
function countOf(text = ''): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return count > 0 ? Math.min(count, maxReplicas) : undefined;
}
