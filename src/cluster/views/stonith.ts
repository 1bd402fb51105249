import {
  type Cib,
  type Definition,
  type FencingLevel,
  type Pairs,
  type Primitive,
  primitivesIn,
} from '../../parsers/cib.ts';
import type { JsonObject } from '../../parsers/xml-to-json.ts';
import { listFenceDevices } from './resources.ts';

/** The documented answer of `stonith`, without `raw`. */
export interface FencingList {
  resources: readonly JsonObject[];
  /** The fencing levels by what they are for. */
  targets: readonly JsonObject[];
}

export function listFencing(cib: Cib): FencingList {
  return { resources: listFenceDevices(cib), targets: targetsOf(cib.levels) };
}

/** The fencing levels one by one, with the names of Create a Stonith Level. */
export function listLevels({ levels }: Cib): JsonObject[] {
  return levels.map((level) => ({
    level: level.index,
    ...(level.target !== undefined && { node_name: level.target }),
    ...selectorOf(level),
    devices: level.devices,
    id: level.id,
    ...level.rest,
  }));
}

function targetsOf(levels: readonly FencingLevel[]): JsonObject[] {
  const byTarget = new Map<string, FencingLevel[]>();
  for (const level of levels) {
    const key = JSON.stringify([level.target, level.pattern, level.attribute, level.value]);
    byTarget.set(key, [...(byTarget.get(key) ?? []), level]);
  }
  return [...byTarget.values()].map((each) => {
    const [first] = each;
    return {
      ...(first?.target !== undefined && { target: first.target }),
      ...(first && selectorOf(first)),
      levels: each.map(({ index, devices, id, rest }) => ({ level: index, devices, id, ...rest })),
    };
  });
}

/** What tells the nodes that a level is for, where it is not a node's name. */
function selectorOf({ pattern, attribute, value }: FencingLevel): JsonObject {
  return {
    ...(pattern !== undefined && { target_pattern: pattern }),
    ...(attribute !== undefined && { target_attribute: attribute }),
    ...(value !== undefined && { target_value: value }),
  };
}

/**
 * The nodes for which no fence device would be known any more without this one: by the levels, and by what
 * the devices say of themselves (`pcmk_host_list`, `pcmk_host_map`; pacemaker-fenced(7)). A device that says
 * neither may be for any node.
 */
export function nodesLeftWithout(cib: Cib, device: string): string[] {
  const templates = new Map(cib.templates.map((each) => [each.id, each]));
  const devices = primitivesIn(cib.resources)
    .map(({ primitive }) => withTemplate(primitive, templates.get(primitive.template ?? '')))
    .filter((each) => each.class === 'stonith');
  const isFor = (node: string) => (each: Device) => {
    const { pcmk_host_list: list, pcmk_host_map: map } = each.params;
    const inLevel = cib.levels.some(
      (level) => level.target === node && level.devices.includes(each.id),
    );
    if (inLevel || (list === undefined && map === undefined)) return true;
    return (
      list?.split(/[\s,;]+/).includes(node) === true ||
      map?.split(/[\s;]+/).some((entry) => entry.startsWith(`${node}:`)) === true
    );
  };
  return cib.nodes
    .map(({ name }) => name)
    .filter((node) => {
      const own = devices.filter(isFor(node));
      return own.length === 1 && own[0]?.id === device;
    });
}

interface Device {
  id: string;
  class: string | undefined;
  params: Pairs;
}

/** What a primitive is and takes, by itself or by its template. */
function withTemplate(primitive: Primitive, template: Definition | undefined): Device {
  return {
    id: primitive.id,
    class: (template ?? primitive).class,
    params: { ...template?.params.pairs, ...primitive.params.pairs },
  };
}
