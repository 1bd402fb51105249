import { Fault } from '../../errors.ts';
import { childToEdit, newElement } from '../../parsers/xml-edit.ts';
import type { AgentMetadataReader } from '../agent-metadata.ts';
import { type Change, cibChange } from './changes.ts';
import { editConfiguration } from './cib-edit.ts';
import {
  agentNameOf,
  checkIdIsFree,
  checkNode,
  fenceDeviceIn,
  freeId,
  idsIn,
  type Pairs,
} from './cib-elements.ts';
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
): Change<null> {
  return cibChange(
    editConfiguration(async (configuration, { warn }, cib) => {
      checkIdIsFree(configuration, device.name);
      const agent = await agents.fenceAgent(device.agent);
      const primitive = newPrimitive({ cib, configuration, agent, warn }, device.name, device);
      childToEdit(configuration, 'resources').children.push(primitive);
    }),
    null,
  );
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateFenceDevice(
  agents: AgentMetadataReader,
  name: string,
  params: Pairs,
  meta: Pairs,
): Change<''> {
  return cibChange(
    editConfiguration(async (configuration, { warn }, cib) => {
      const { element } = fenceDeviceIn(configuration, name);
      const agent = () => agents.agentOf(agentNameOf(configuration, element));
      const options = { params, meta, operations: [] };
      await updatePrimitive({ cib, configuration, warn }, element, agent, options);
    }),
    '',
  );
}

/** Faults: `resource_not_found`, those of deleteResource. */
export function deleteFenceDevice(name: string): Change<string> {
  return deleteResource(name, 'stonith');
}

/**
 * Puts a device into a level, beside those that are there; devices of a level are used together.
 * Faults of the edit: `resource_not_found`, `node_not_found`, `level_exists`.
 */
export function addToLevel({ level, node, device }: LevelDevice): Change<null> {
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
    null,
  );
}

/**
 * Takes a device out of a level; the level goes with its last.
 * Faults of the edit: `level_not_found`.
 */
export function removeFromLevel({ level, node, device }: LevelDevice): Change<null> {
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
          `${device} is in no level ${level} of ${node}. GET /api/v2/system/ha/stonith/level lists them.`,
        );
      }
      const others = devicesOf(present.attributes).filter((each) => each !== device);
      if (others.length > 0) present.attributes['devices'] = others.join(',');
      else topology.children = topology.children.filter((each) => each !== present);
    }),
    null,
  );
}

function isLevel(attributes: Pairs, level: number, node: string): boolean {
  return Number(attributes['index']) === level && attributes['target'] === node;
}

function devicesOf(attributes: Pairs | undefined): string[] {
  return (attributes?.['devices'] ?? '').split(',').filter((name) => name !== '');
}
