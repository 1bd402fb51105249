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

/** A fence device in a fencing level of a node. */
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
 * Adds a device to a level. The devices of a level are used together.
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
 * Removes a device from a level. A level without devices is removed.
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

/** The parameter with the address of the device; the second is its old name. */
const addressParameters = ['ip', 'ipaddr'];

/**
 * Why a fence device could fence nobody, a sentence each. It depends on the device's address and on its nodes
 * (`pcmk_host_list`, `pcmk_host_map` and `pcmk_host_check` in pacemaker-fenced(7)).
 */
function uselessness(configuration: EditableXml, agent: Agent, device: EditableXml): string[] {
  const id = device.attributes['id'] ?? '';
  const params = pairsInEffect(configuration, device, 'instance_attributes');
  const { pcmk_host_list: list = '', pcmk_host_map: map = '', pcmk_host_check: how } = params;
  const named = [
    ...list.split(/[\s,;]+/),
    // A comma separates the ports of one node.
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
          `${id} covers no node: its pcmk_host_list or pcmk_host_map names only ${unknown.join(', ')}, and none is a node of this cluster.`,
        ]
      : unknown.map(
          (name) =>
            `${id} names ${name} in its pcmk_host_list or pcmk_host_map, but this cluster has no such node.`,
        )),
    ...(lacksAddress
      ? [
          `${id} can reach no device: ${agent.type} finds it by ${address.map(({ name }) => name).join(' or ')}, and none is given.`,
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
