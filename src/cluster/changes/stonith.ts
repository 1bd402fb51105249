import { Fault } from '../../errors.ts';
import { childToEdit, newElement } from '../../parsers/xml-edit.ts';
import type { FenceAgents } from '../agents.ts';
import { type Change, cibChange } from './changes.ts';
import { configurationIn, editConfiguration } from './cib-edit.ts';
import {
  checkIdIsFree,
  checkNode,
  fenceDeviceIn,
  freeId,
  idsIn,
  setPair,
  unsetPair,
} from './cib-elements.ts';
import {
  deleteResource,
  type NewResource,
  optionWords,
  type Pairs,
  pcsEdit,
  withoutMasks,
} from './resources.ts';

/** A fence device of a level, and the node that it is for. */
export interface LevelDevice {
  level: number;
  node: string;
  device: string;
}

/** Faults of the edit: `id_exists`, `agent_not_found`, `cluster_refused`. */
export function createFenceDevice(
  agents: FenceAgents,
  device: Omit<NewResource, 'clone'>,
): Change<null> {
  return cibChange(async (xml, tools) => {
    checkIdIsFree(configurationIn(xml), device.name);
    await agents.check(device.agent);
    const words = ['stonith', 'create', device.name, device.agent, ...optionWords(device)];
    return pcsEdit(words)(xml, tools);
  }, null);
}

/** Faults of the edit: `resource_not_found`, `cluster_refused`. */
export function updateFenceDevice(name: string, params: Pairs, meta: Pairs): Change<''> {
  return cibChange(async (xml, tools) => {
    fenceDeviceIn(configurationIn(xml), name);
    const words = optionWords(withoutMasks({ params, meta: {}, operations: [] }));
    const updated =
      words.length === 0 ? xml : await pcsEdit(['stonith', 'update', name, ...words])(xml, tools);
    // Not by pcs: 0.12 takes meta attributes of a fence device by another command than those before.
    return editConfiguration((configuration) => {
      const { element } = fenceDeviceIn(configuration, name);
      for (const [key, value] of Object.entries(meta)) {
        if (value === '') unsetPair(element, 'meta_attributes', key);
        else
          setPair(configuration, element, 'meta_attributes', `${name}-meta_attributes`, key, value);
      }
    })(updated, tools);
  }, '');
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
