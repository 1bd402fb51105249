import type { JsonObject } from './json.ts';
import { listFenceDevices } from './resources.ts';
import type { Cib, FencingLevel } from '../../../cluster/model.ts';

/** The documented answer of `stonith`, without `raw`. */
export interface FencingList {
  resources: readonly JsonObject[];
  /** The fencing levels by their targets. */
  targets: readonly JsonObject[];
}

export function listFencing(cib: Cib): FencingList {
  return { resources: listFenceDevices(cib), targets: targetsOf(cib.levels) };
}

/** The fencing levels one by one, with the field names of Create a Stonith Level. */
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

/** The condition for the nodes of a level, if it is not the name of a node. */
function selectorOf({ pattern, attribute, value }: FencingLevel): JsonObject {
  return {
    ...(pattern !== undefined && { target_pattern: pattern }),
    ...(attribute !== undefined && { target_attribute: attribute }),
    ...(value !== undefined && { target_value: value }),
  };
}
