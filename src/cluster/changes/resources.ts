import { Fault } from '../../errors.ts';
import { cleanUp, restart } from '../../pacemaker/resource.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { instancesOf } from '../../parsers/crm-mon.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../parsers/xml-edit.ts';
import { type AgentMetadataReader, fullNameOf } from '../agent-metadata.ts';
import { isConfigured, resourceNotFound } from '../resources.ts';
import { type Change, cibChange, cibChangeOf, type Site } from './changes.ts';
import { editConfiguration, refuse } from './cib-edit.ts';
import {
  agentNameOf,
  checkIdIsFree,
  checkNode,
  freeId,
  idsIn,
  isClone,
  isFenceDevice,
  membersOf,
  type Pairs,
  type PlacedResource,
  pairsIn,
  resourceIn,
  resourcesIn,
  setPairs,
  unsetPair,
} from './cib-elements.ts';
import { newClone, problemsOfClone, problemsOfCloned } from './clones.ts';
import { newPrimitive, type ResourceOptions, updatePrimitive } from './primitives.ts';
import { removeResource } from './references.ts';

export interface NewResource extends ResourceOptions {
  name: string;
  agent: string;
  /** Options of the clone that it is to be in. */
  clone: Pairs | undefined;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createResource(agents: AgentMetadataReader, resource: NewResource): Change<null> {
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
): Change<''> {
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
export function deleteResource(name: string, kind: 'resource' | 'stonith'): Change<string> {
  const placedOf = (configuration: EditableXml) => {
    const placed = resourceIn(configuration, name);
    if (isFenceDevice(configuration, placed.element) !== (kind === 'stonith'))
      throw resourceNotFound(name);
    return placed;
  };
  const edit = editConfiguration((configuration, { warn }) => {
    const placed = placedOf(configuration);
    if (isNode(placed)) {
      warn(
        `${name} was a node. Remove Pacemaker's key there (/etc/pacemaker/authkey), stop and disable pacemaker_remote, and let the cluster forget it: 'crm_node --force --remove'.`,
      );
    }
    removeResource(configuration, placed);
  });
  return {
    edit,
    async carryOut(site) {
      await site.editCib(
        editConfiguration((configuration) => {
          placedOf(configuration);
          stop(configuration, name);
        }),
      );
      await site.settle();
      if (await isRunning(site, name)) {
        throw new Fault(
          'resource_not_stopped',
          `${name} could not be stopped, so it was not deleted; it is configured to be stopped now. See what failed in GET /api/v2/system/ha/status, clean it up, and ask again.`,
        );
      }
      await site.editCib(edit);
      return `Attempting to stop: ${name}... Stopped\n`;
    },
  };
}

/** Faults of the edit: `resource_not_found`. */
export function stopResource(name: string): Change<{ name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      stop(configuration, name);
    }),
    { name },
  );
}

/** Lets a resource run, and what it is in or what is in it, so that it can. Faults of the edit: `resource_not_found`. */
export function startResource(name: string): Change<{ name: string }> {
  return cibChangeOf(
    { resource: name, isStarted: true },
    editConfiguration((configuration) => {
      const { element, around } = resourceIn(configuration, name);
      // As pcs: a clone runs only if what is in it may, and the other way round.
      const outside = around.slice(0, 1).filter(({ name: kind }) => kind !== 'group');
      const inside = element.name === 'group' ? [] : membersOf(element);
      for (const each of [element, ...outside, ...inside]) {
        unsetPair(each, 'meta_attributes', 'target-role');
      }
    }),
    { name },
  );
}

/** Also of one that was removed but still runs. Faults: `resource_not_found`, those of cleanUp. */
export function cleanUpResource(name: string): Change<string> {
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
export function restartResource(name: string): Change<{ name: string }> {
  return {
    expects: { resource: name },
    waitsForResource: true,
    async carryOut({ host, cib, notSettled }) {
      if (!isConfigured(await cib(), name)) throw resourceNotFound(name);
      if (!(await restart(host, name))) notSettled();
      return { name };
    },
  };
}

/**
 * Lets the cluster start and stop a resource again, which takes all that is around it and in it. Faults of the edit:
 * `resource_not_found`.
 */
export function manageResource(name: string): Change<{ name: string }> {
  return cibChange(
    editConfiguration((configuration, { warn }) => {
      const { element, around } = resourceIn(configuration, name);
      const inside = resourcesIn(element);
      for (const each of [...around, ...inside]) {
        unsetPair(each, 'meta_attributes', 'is-managed');
      }
      for (const each of inside) warnOfNoMonitor(each, warn);
    }),
    { name },
  );
}

function warnOfNoMonitor({ attributes, children }: EditableXml, warn: (text: string) => void) {
  const monitors = children
    .flatMap((each) => (each.name === 'operations' ? each.children : []))
    .filter((operation) => operation.attributes['name'] === 'monitor');
  const isOff = ({ attributes: { enabled = 'true' } }: EditableXml) =>
    ['false', 'off', 'n', 'no', '0'].includes(enabled.toLowerCase());
  if (monitors.length === 0 || !monitors.every(isOff)) return;
  warn(`${attributes['id']} is managed, but none of its monitors is enabled.`);
}

/**
 * Makes the cluster leave a resource as it is: the primitives alone, so that each can be managed again by itself,
 * and a bundle, which has resources of its own. Faults of the edit: `resource_not_found`.
 */
export function unmanageResource(name: string): Change<{ name: string }> {
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

/** Keeps a resource off a node, for good. Faults of the edit: `resource_not_found`, `node_not_found`. */
export function banResource(name: string, node: string): Change<{ node: string; name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      checkNode(configuration, node);
      const constraints = childToEdit(configuration, 'constraints');
      const id = `cli-ban-${name}-on-${node}`;
      // Not by the id alone, which need not have the name of the node as it is.
      removeChildren(constraints, ({ attributes }) => {
        const { id: own = '', rsc, node: where } = attributes;
        return own.startsWith('cli-ban-') && rsc === name && where === node;
      });
      constraints.children.push(cliConstraint(configuration, id, name, node, '-INFINITY'));
    }),
    { node, name },
  );
}

/** Takes away what bans and moves left behind. Faults of the edit: `resource_not_found`. */
export function clearResource(name: string, node: string | undefined): Change<{ name: string }> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      removeChildren(childToEdit(configuration, 'constraints'), ({ attributes }) => {
        const { id = '', rsc } = attributes;
        const isCli = id.startsWith('cli-ban-') || id.startsWith('cli-prefer-');
        return isCli && rsc === name && (node === undefined || attributes['node'] === node);
      });
    }),
    { name },
  );
}

function isNode({ element }: PlacedResource): boolean {
  return (
    element.attributes['type'] === 'remote' ||
    pairsIn(element, 'meta_attributes')['remote-node'] !== undefined
  );
}

function stop(configuration: EditableXml, name: string): void {
  const { element } = resourceIn(configuration, name);
  setPairs(configuration, element, 'meta_attributes', { 'target-role': 'Stopped' });
}

async function isRunning({ host }: Site, name: string): Promise<boolean> {
  const instances = instancesOf(await readState(host), name) ?? [];
  return instances.some(({ nodes }) => nodes.length > 0);
}

/** As crm_resource(8) makes them, so that its `--clear` knows them again. */
export function cliConstraint(
  configuration: EditableXml,
  id: string,
  rsc: string,
  node: string,
  score: string,
): EditableXml {
  return newElement('rsc_location', {
    id: freeId(idsIn(configuration), id),
    rsc,
    role: 'Started',
    node,
    score,
  });
}
