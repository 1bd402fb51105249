import { Fault } from '../../../kit/fault.ts';
import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';
import { childToEdit, type EditableXml, newElement } from '../../../parsers/xml-edit.ts';
import type { Agent, AgentMetadataReader } from '../../agents/agent-metadata.ts';
import { cibChange, cibChangeOf, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration } from '../engine/cib-edit.ts';
import { agentNameOf, fenceDeviceIn } from '../engine/cib-elements.ts';
import { checkIdIsFree, freeId, idsIn } from '../engine/cib-ids.ts';
import { checkNode, isNode } from '../engine/cib-nodes.ts';
import { pairsInEffect } from '../engine/cib-pairs.ts';
import { newPrimitive, updatePrimitive } from './primitives.ts';
import { deleteResource, type NewResource } from './resources.ts';

/** A fence device of a level, and the node that it is for. */
export interface LevelDevice {
  level: number;
  node: string;
  device: string;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createFenceDevice(
  agents: AgentMetadataReader,
  device: Omit<NewResource, 'clone'>,
): ClusterChange<void> {
  return cibChangeOf(
    { resource: device.name },
    editConfiguration(async (configuration, { warn }, cib) => {
      checkIdIsFree(configuration, device.name);
      const agent = await agents.fenceAgent(device.agent);
      const primitive = newPrimitive({ cib, configuration, agent, warn }, device.name, device);
      childToEdit(configuration, 'resources').children.push(primitive);
      uselessness(configuration, agent, primitive).forEach(warn);
    }),
  );
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateFenceDevice(
  agents: AgentMetadataReader,
  name: string,
  params: Pairs,
  meta: Pairs,
): ClusterChange<void> {
  return cibChangeOf(
    { resource: name },
    editConfiguration(async (configuration, { warn }, cib) => {
      const { element } = fenceDeviceIn(configuration, name);
      const agent = () => agents.agentOf(agentNameOf(configuration, element));
      const options = { params, meta, operations: [] };
      await updatePrimitive({ cib, configuration, warn }, element, agent, options);
      if (Object.keys(params).length > 0) {
        uselessness(configuration, await agent(), element).forEach(warn);
      }
    }),
  );
}

/** Faults: `resource_not_found`, those of deleteResource. */
export function deleteFenceDevice(name: string): ClusterChange<void> {
  return deleteResource(name, 'stonith');
}

/**
 * Puts a device into a level, beside those that are there; devices of a level are used together.
 * Faults of the edit: `resource_not_found`, `node_not_found`, `level_exists`.
 */
export function addToLevel({ level, node, device }: LevelDevice): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      fenceDeviceIn(configuration, device);
      checkNode(configuration, node);
      const topology = childToEdit(configuration, 'fencing-topology');
      const present = topology.children.find(({ attributes }) => isLevel(attributes, level, node));
      const devices = devicesOf(present?.attributes);
      if (devices.includes(device)) {
        throw new Fault(
          'level_exists',
          `${device} is in level ${level} of ${node} already. Nothing was changed.`,
        );
      }
      if (present) present.attributes['devices'] = [...devices, device].join(',');
      else {
        const id = freeId(idsIn(configuration), `fl-${node}-${level}`);
        const attributes = { id, target: node, index: `${level}`, devices: device };
        topology.children.push(newElement('fencing-level', attributes));
      }
    }),
  );
}

/**
 * Takes a device out of a level; the level goes with its last.
 * Faults of the edit: `level_not_found`.
 */
export function removeFromLevel({ level, node, device }: LevelDevice): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const topology = childToEdit(configuration, 'fencing-topology');
      const present = topology.children.find(
        ({ attributes }) =>
          isLevel(attributes, level, node) && devicesOf(attributes).includes(device),
      );
      if (present === undefined) {
        throw new Fault(
          'level_not_found',
          `${device} is in no level ${level} of ${node}. The list of fencing levels shows the devices of each.`,
        );
      }
      const others = devicesOf(present.attributes).filter((each) => each !== device);
      if (others.length > 0) present.attributes['devices'] = others.join(',');
      else topology.children = topology.children.filter((each) => each !== present);
    }),
  );
}

/** By what a fence agent finds the device that it asks; the second is its old name. */
const addressParameters = ['ip', 'ipaddr'];

/**
 * Why a fence device could fence nobody, a sentence each: by the nodes that it says it is for (pacemaker-fenced(7),
 * `pcmk_host_list`, `pcmk_host_map`, `pcmk_host_check`), and by its address.
 */
function uselessness(configuration: EditableXml, agent: Agent, device: EditableXml): string[] {
  const id = device.attributes['id'] ?? '';
  const params = pairsInEffect(configuration, device, 'instance_attributes');
  const { pcmk_host_list: list = '', pcmk_host_map: map = '', pcmk_host_check: how } = params;
  const named = [
    ...list.split(/[\s,;]+/),
    // A comma there is between the ports of one node.
    ...map.split(/[\s;]+/).map((entry) => entry.split(/[:=]/, 1).join('')),
  ].filter((name) => name !== '');
  const unknown = named.filter((name) => !isNode(configuration, name));
  const address = agent.parameters.filter(({ name }) => addressParameters.includes(name));
  const lacksAddress =
    address.length > 0 && !addressParameters.some((name) => (params[name] ?? '') !== '');
  return [
    ...(how === 'static-list' && named.length === 0
      ? [
          `${id} covers no node: pcmk_host_check is static-list, but there is no pcmk_host_list or pcmk_host_map.`,
        ]
      : []),
    ...(unknown.length > 0 && unknown.length === named.length
      ? [
          `${id} covers no node: of ${unknown.join(', ')}, which its pcmk_host_list or pcmk_host_map names, none is a node of this cluster.`,
        ]
      : unknown.map(
          (name) =>
            `${id} names ${name} in its pcmk_host_list or pcmk_host_map, which is no node of this cluster.`,
        )),
    ...(lacksAddress
      ? [
          `${id} can reach nothing: ${agent.type} finds its device by ${address.map(({ name }) => name).join(' or ')}, and none is given.`,
        ]
      : []),
  ];
}

function isLevel(attributes: Pairs, level: number, node: string): boolean {
  return Number(attributes['index']) === level && attributes['target'] === node;
}

function devicesOf(attributes: Pairs | undefined): string[] {
  return (attributes?.['devices'] ?? '').split(',').filter((name) => name !== '');
}
