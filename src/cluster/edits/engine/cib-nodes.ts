import { childToEdit, type EditableXml } from '../../../parsers/xml-edit.ts';
import { nodeNotFound } from '../../nodes.ts';
import { membersOf, resourcesIn } from './cib-elements.ts';
import { isPair } from './cib-pairs.ts';

/** Whether a node of that name is known: a cluster node, or one that a resource makes. */
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
 * The names of the nodes that a resource makes, without those of the resources in it: a remote node, a guest node, or
 * one for each replica of a bundle with a resource in it. Templates and references make none (`xml_contains_remote_node`
 * and `pe__unpack_bundle` in libpe_status; crm_mon shows the same).
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

/** More replicas than anybody has would only be names without end. */
const maxReplicas = 1000;

/** A number from 1 on, as in the schema (bundle-*.rng, `positiveInteger`). */
function countOf(text = ''): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return count > 0 ? Math.min(count, maxReplicas) : undefined;
}
