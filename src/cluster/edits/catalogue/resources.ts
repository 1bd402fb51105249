import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
import { readState } from '../../../pacemaker/crm-mon.ts';
import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';
import { childToEdit, type EditableXml } from '../../../parsers/xml-edit.ts';
import { type AgentMetadataReader, fullNameOf } from '../../agents/agent-metadata.ts';
import { resourceNotFound } from '../../resources.ts';
import { heldBackBy } from '../../why/held-back.ts';
import { type HeldBack, whyNotManaged } from '../../why/obstacles.ts';
import { cibChangeOf, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration, refuse, reversibleEdit } from '../engine/cib-edit.ts';
import {
  agentNameOf,
  findResource,
  isClone,
  isFenceDevice,
  resourceIn,
} from '../engine/cib-elements.ts';
import { checkIdIsFree, idsIn } from '../engine/cib-ids.ts';
import { nodesMadeBy } from '../engine/cib-nodes.ts';
import { pairsIn, setPairs } from '../engine/cib-pairs.ts';
import { removeResource } from '../engine/references.ts';
import { newClone, problemsOfClone, problemsOfCloned } from './clones.ts';
import { newPrimitive, type ResourceOptions, updatePrimitive } from './primitives.ts';
import { isActive, isRunning, stop } from './resource-states.ts';

export interface NewResource extends ResourceOptions {
  name: string;
  agent: string;
  /** Options of the clone around it, if it is to be cloned. */
  clone: Pairs | undefined;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createResource(
  agents: AgentMetadataReader,
  resource: NewResource,
): ClusterChange<void> {
  const { name, clone, meta } = resource;
  return cibChangeOf(
    { resource: name },
    editConfiguration(async (configuration, { warn }, cib) => {
      checkIdIsFree(configuration, name);
      const agent = await agents.resourceAgent(resource.agent);
      refuse([
        ...(fullNameOf(agent) === 'ocf:pacemaker:remote' ? [remoteNode('add-remote')] : []),
        ...(meta['remote-node'] ? [remoteNode('add-guest')] : []),
        ...(clone ? problemsOfClone(name, agent, clone) : []),
      ]);
      const primitive = newPrimitive({ cib, configuration, agent, warn }, name, resource);
      const { children } = childToEdit(configuration, 'resources');
      children.push(
        clone ? newClone(idsIn(configuration), primitive, undefined, clone) : primitive,
      );
    }),
  );
}

/** Refuses to make or remove a node, because that needs more than its resource. */
function remoteNode(command: string): string {
  return `This would make or remove a node, which needs a key on that node as well: use 'pcs cluster node ${command}'.`;
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateResource(
  agents: AgentMetadataReader,
  name: string,
  options: ResourceOptions,
): ClusterChange<void> {
  return cibChangeOf(
    { resource: name },
    editConfiguration(async (configuration, { warn }, cib) => {
      const { element } = resourceIn(configuration, name);
      if (element.name !== 'primitive') {
        await updateContainer(agents, configuration, element, options);
        return;
      }
      const guest = options.meta['remote-node'] ?? '';
      const former = pairsIn(element, 'meta_attributes')['remote-node'] ?? '';
      if ('remote-node' in options.meta && guest !== former) {
        refuse([remoteNode(guest === '' ? 'remove-guest' : 'add-guest')]);
      }
      const agent = () => agents.agentOf(agentNameOf(configuration, element));
      await updatePrimitive({ cib, configuration, warn }, element, agent, options);
    }),
  );
}

/** A container has only meta attributes. As in pcs, parameters of a clone count as meta attributes. */
async function updateContainer(
  agents: AgentMetadataReader,
  configuration: EditableXml,
  element: EditableXml,
  { params, meta, operations }: ResourceOptions,
): Promise<void> {
  const id = element.attributes['id'] ?? '';
  const all = isClone(element) ? { ...params, ...meta } : meta;
  const hasMore = operations.length > 0 || (!isClone(element) && Object.keys(params).length > 0);
  refuse(
    hasMore
      ? [`${id} is a ${element.name}, which has only meta attributes. Update the resources in it.`]
      : [],
  );
  if (isClone(element)) refuse(await problemsOfCloned(agents, configuration, element, all));
  setPairs(configuration, element, 'meta_attributes', all);
}

/**
 * Stops a resource or fence device, and removes it from the configuration with all references to it.
 * Faults: `resource_not_found` also for the other kind, `resource_not_stopped`, `cluster_refused`.
 */
export function deleteResource(name: string, kind: 'resource' | 'stonith'): ClusterChange<void> {
  const placedOf = (configuration: EditableXml) => {
    const placed = resourceIn(configuration, name);
    if (isFenceDevice(configuration, placed.element) !== (kind === 'stonith'))
      throw resourceNotFound(name);
    return placed;
  };
  let heldBack: HeldBack;
  const remove = editConfiguration((configuration, { warn }) => {
    const placed = placedOf(configuration);
    heldBack = heldBackBy(configuration, placed);
    const nodes = nodesMadeBy(placed.element);
    if (nodes.length > 0 && placed.element.name === 'primitive') {
      warn(
        `${nodes.join(', ')} was a node. Remove Pacemaker's key there (/etc/pacemaker/authkey), stop and disable pacemaker_remote, and let the cluster forget it: 'crm_node --force --remove'.`,
      );
    }
    removeResource(configuration, placed);
  });
  const { edit: stopIt, takeBack } = reversibleEdit(
    (configuration) => findResource(configuration, name)?.element,
    ({ name: part }) => part === 'meta_attributes',
    (configuration) => {
      placedOf(configuration);
      stop(configuration, name);
    },
  );
  async function check(host: ClusterHost): Promise<void> {
    const why = whyNotManaged(await readState(host), name, heldBack, isActive);
    if (why === undefined) return;
    throw new Fault(
      'resource_not_stopped',
      `${name} runs, and the cluster does not manage it${why}. So it cannot be stopped, and was not deleted. Nothing was changed.`,
    );
  }
  return {
    edit: remove,
    takeBack,
    check,
    async carryOut(site) {
      // If the removal would be refused, the resource must not be stopped.
      await site.plan([remove]);
      await check(site.host);
      await site.editCib(stopIt);
      await site.settle();
      if (await isRunning(site, name)) {
        throw new Fault(
          'resource_not_stopped',
          `${name} could not be stopped, so it was not deleted. The status of the cluster shows what failed. Correct that, clean up ${name}, and ask again.`,
        );
      }
      await site.editCib(remove);
    },
  };
}
