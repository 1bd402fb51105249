import { Fault, type FaultCode } from '../../../kit/fault.ts';
import type { Host } from '../../../kit/host.ts';
import { queryCib } from '../../../pacemaker/cib/cib.ts';
import { cleanUp, restart } from '../../../pacemaker/resource.ts';
import { readState } from '../../../pacemaker/crm-mon.ts';
import { followIn } from '../../../parsers/cib/references.ts';
import { isFalse } from '../../../parsers/cib/values.ts';
import { type Instance, instancesOf } from '../../../parsers/crm-mon.ts';
import { childToEdit, type EditableXml } from '../../../parsers/xml-edit.ts';
import { type AgentMetadataReader, fullNameOf } from '../../agents/agent-metadata.ts';
import { type HeldBack, whyNotManaged } from '../../why/obstacles.ts';
import { type ClusterChange, cibChange, cibChangeOf, type Site } from '../cluster-change.ts';
import {
  type CibEdit,
  configurationIn,
  editConfiguration,
  refuse,
  reversibleEdit,
} from '../engine/cib-edit.ts';
import {
  agentNameOf,
  checkIdIsFree,
  findResource,
  idsIn,
  isClone,
  isFenceDevice,
  membersOf,
  nodesMadeBy,
  pairsIn,
  resourceIn,
  resourcesIn,
  setPairs,
  templateOf,
  unsetPair,
} from '../engine/cib-elements.ts';
import { newClone, problemsOfClone, problemsOfCloned } from './clones.ts';
import { newPrimitive, type ResourceOptions, updatePrimitive } from './primitives.ts';
import { heldBackBy, warnOfNoManage, warnOfNoStop } from '../../why/held-back.ts';
import { removeResource } from '../engine/references.ts';
import { isConfigured, resourceNotFound } from '../../resources.ts';
import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';

export interface NewResource extends ResourceOptions {
  name: string;
  agent: string;
  /** Options of the clone that it is to be in. */
  clone: Pairs | undefined;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createResource(
  agents: AgentMetadataReader,
  resource: NewResource,
): ClusterChange<null> {
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
    null,
  );
}

/** A node needs more than its resource. */
function remoteNode(command: string): string {
  return `This makes a node or unmakes one, which needs a key on that node as well: use 'pcs cluster node ${command}'.`;
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateResource(
  agents: AgentMetadataReader,
  name: string,
  options: ResourceOptions,
): ClusterChange<''> {
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
    '',
  );
}

/** A container has meta attributes alone, which is what pcs takes the parameters of a clone for. */
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
      ? [`${id} is a ${element.name}, which has meta attributes alone. Update the resources in it.`]
      : [],
  );
  if (isClone(element)) refuse(await problemsOfCloned(agents, configuration, element, all));
  setPairs(configuration, element, 'meta_attributes', all);
}

/**
 * Stops a resource, or a fence device, and takes it out of the configuration, with all that speaks of it.
 * Faults: `resource_not_found` also if it is of the other kind, `resource_not_stopped`, `cluster_refused`.
 */
export function deleteResource(name: string, kind: 'resource' | 'stonith'): ClusterChange<string> {
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
  async function check(host: Host): Promise<void> {
    const why = whyNotManaged(await readState(host), name, heldBack, isActive);
    if (why === undefined) return;
    throw new Fault(
      'resource_not_stopped',
      `${name} runs, and the cluster does not manage it${why}: it cannot be stopped, so it was not deleted. Nothing was changed.`,
    );
  }
  return {
    edit: remove,
    takeBack,
    check,
    async carryOut(site) {
      // What the cluster would not let go of must not be stopped for nothing.
      await site.plan([remove]);
      await check(site.host);
      await site.editCib(stopIt);
      await site.settle();
      if (await isRunning(site, name)) {
        throw new Fault(
          'resource_not_stopped',
          `${name} could not be stopped, so it was not deleted. See what failed in GET /api/v2/system/ha/status, clean it up, and ask again.`,
        );
      }
      await site.editCib(remove);
      return `Attempting to stop: ${name}... Stopped\n`;
    },
  };
}

/** A cluster that does not manage it stops nothing of it, which is warned of. Faults of the edit: `resource_not_found`. */
export function stopResource(name: string): ClusterChange<{ name: string }> {
  let heldBack: HeldBack;
  const edit = editConfiguration((configuration) => {
    stop(configuration, name);
    heldBack = heldBackBy(configuration, resourceIn(configuration, name));
  });
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
      await warnOfNoStop(site, name, heldBack);
      return { name };
    },
  };
}

/**
 * Lets a resource run, and what it is in or what is in it, so that it can. What still keeps it from running is warned of.
 * Faults of the edit: `resource_not_found`.
 */
export function startResource(name: string): ClusterChange<{ name: string }> {
  const edit = editConfiguration((configuration) => {
    const { element, around } = resourceIn(configuration, name);
    // As pcs: a clone runs only if what is in it may, and the other way round.
    const outside = around.slice(0, 1).filter(({ name: kind }) => kind !== 'group');
    const inside = element.name === 'group' ? [] : membersOf(element);
    for (const each of [element, ...outside, ...inside]) {
      unsetPair(each, 'meta_attributes', 'target-role');
    }
  });
  return cibChangeOf({ resource: name, isStarted: true }, edit, { name });
}

/** Also of one that was removed but still runs. Faults: `resource_not_found`, those of cleanUp. */
export function cleanUpResource(name: string): ClusterChange<string> {
  return {
    leavesConfiguration: true,
    async carryOut({ host, cib }) {
      if (!isConfigured(await cib(), name)) {
        if (instancesOf(await readState(host), name) === undefined) throw resourceNotFound(name);
      }
      return cleanUp(host, name);
    },
  };
}

/** Faults: `resource_not_found`, those of restart. */
export function restartResource(name: string): ClusterChange<{ name: string }> {
  return {
    expects: { resource: name },
    waitsForResource: true,
    async carryOut({ host, editCib, notSettled }) {
      const former = targetRoles(configurationIn(await queryCib(host)), name);
      try {
        if (!(await restart(host, name))) notSettled();
      } catch (error) {
        // It takes its own stop back, unless it was killed.
        if (error instanceof Fault && killed.includes(error.code)) {
          await editCib(withTargetRoles(name, former)).catch(() => undefined);
        }
        throw error;
      }
      return { name };
    },
  };
}

/** Faults of Run that leave a command without an end of its own. */
const killed: readonly FaultCode[] = ['tool_timeout', 'tool_ended_by_signal', 'output_too_large'];

/** The target roles of a resource, of what it is in and of what is in it, by their ids. */
function targetRoles(configuration: EditableXml, name: string): Map<string, string | undefined> {
  const { element, around } = resourceIn(configuration, name);
  return new Map(
    [...around, ...resourcesIn(element)].map((each) => [
      each.attributes['id'] ?? '',
      pairsIn(each, 'meta_attributes')['target-role'],
    ]),
  );
}

/** Takes the stop back of all that were not to be stopped formerly. */
function withTargetRoles(name: string, former: Map<string, string | undefined>): CibEdit {
  return editConfiguration((configuration) => {
    for (const [id, role] of targetRoles(configuration, name)) {
      if (role === 'Stopped' && former.get(id) !== role && former.has(id)) {
        const { element } = resourceIn(configuration, id);
        const pair = { 'target-role': former.get(id) ?? '' };
        setPairs(configuration, element, 'meta_attributes', pair);
      }
    }
  });
}

/**
 * Lets the cluster start and stop a resource again, which takes all that is around it and in it. What still keeps the
 * cluster from it is warned of. Faults of the edit: `resource_not_found`.
 */
export function manageResource(name: string): ClusterChange<{ name: string }> {
  let heldBack: HeldBack;
  const edit = editConfiguration((configuration, { warn }) => {
    const placed = resourceIn(configuration, name);
    const inside = resourcesIn(placed.element);
    for (const each of [...placed.around, ...inside]) {
      unsetPair(each, 'meta_attributes', 'is-managed');
    }
    for (const each of inside) warnOfNoMonitor(configuration, each, warn);
    heldBack = heldBackBy(configuration, placed);
  });
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
      await warnOfNoManage(site, name, heldBack);
      return { name };
    },
  };
}

function warnOfNoMonitor(
  configuration: EditableXml,
  element: EditableXml,
  warn: (text: string) => void,
) {
  const follow = followIn(configuration);
  const monitors = [element, templateOf(configuration, element)]
    .flatMap((each) => each?.children ?? [])
    .flatMap((each) => (each.name === 'operations' ? follow(each).children : []))
    .filter((operation) => operation.attributes['name'] === 'monitor');
  if (monitors.length === 0 || !monitors.every(({ attributes }) => isFalse(attributes['enabled'])))
    return;
  warn(`${element.attributes['id']} is managed, but none of its monitors is enabled.`);
}

/**
 * Makes the cluster leave a resource as it is: the primitives alone, so that each can be managed again by itself,
 * and a bundle, which has resources of its own. Faults of the edit: `resource_not_found`.
 */
export function unmanageResource(name: string): ClusterChange<{ name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      const { element } = resourceIn(configuration, name);
      const left = resourcesIn(element).filter(
        ({ name: kind }) => kind === 'primitive' || kind === 'bundle',
      );
      for (const each of left) {
        setPairs(configuration, each, 'meta_attributes', { 'is-managed': 'false' });
      }
    }),
    { name },
  );
}

function stop(configuration: EditableXml, name: string): void {
  const { element } = resourceIn(configuration, name);
  setPairs(configuration, element, 'meta_attributes', { 'target-role': 'Stopped' });
}

async function isRunning({ host }: Site, name: string): Promise<boolean> {
  return (instancesOf(await readState(host), name) ?? []).some(isActive);
}

function isActive({ nodes }: Instance): boolean {
  return nodes.length > 0;
}
