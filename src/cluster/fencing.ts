import type { Pairs } from '../parsers/cib/attribute-sets.ts';
import type { Cib, Definition, Primitive } from '../parsers/cib/cib.ts';
import { primitivesIn } from '../parsers/cib/resources.ts';

/**
 * The nodes that would have no known fence device without this one. Fencing levels, `pcmk_host_list` and
 * `pcmk_host_map` say which nodes a device is for (pacemaker-fenced(7)). A device without any of these may be for every
 * node.
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

/** The class and parameters of a primitive, its own or its template's. */
function withTemplate(primitive: Primitive, template: Definition | undefined): Device {
  return {
    id: primitive.id,
    class: (template ?? primitive).class,
    params: { ...template?.params.pairs, ...primitive.params.pairs },
  };
}
