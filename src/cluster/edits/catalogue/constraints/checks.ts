import { Fault } from '../../../../kit/fault.ts';
import type { EditableXml } from '../../../../parsers/xml-edit.ts';
import { refuse } from '../../engine/cib-edit.ts';
import { isClone, resourceIn } from '../../engine/cib-elements.ts';

/**
 * Checks the resources of a constraint between resources.
 * Faults: `resource_not_found`, `constrain_the_clone`; `cluster_refused` if one is named twice, or contains another.
 */
export function checkApart(configuration: EditableXml, names: readonly string[]): void {
  checkResources(configuration, names);
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) {
    refuse([`${repeated} is named twice, and cannot be constrained to itself.`]);
  }
  for (const name of names) {
    const outer = resourceIn(configuration, name)
      .around.map(({ attributes }) => attributes['id'] ?? '')
      .find((id) => names.includes(id));
    if (outer !== undefined) {
      refuse([`${name} is in ${outer}, and cannot be constrained to it.`]);
    }
  }
}

/** Faults: `resource_not_found`, `constrain_the_clone` */
export function checkResources(configuration: EditableXml, names: readonly string[]): void {
  for (const name of names) {
    const { around } = resourceIn(configuration, name);
    const copied = around.find((each) => isClone(each) || each.name === 'bundle');
    if (copied) {
      const id = copied.attributes['id'] ?? '';
      throw new Fault(
        'constrain_the_clone',
        `${name} is inside ${id}, which may run several times at once. Constrain ${id} instead.`,
      );
    }
  }
}

/**
 * Checks the resources of an order.
 * Faults: those of checkApart; `cluster_refused` for two in one group, which orders them already.
 */
export function checkOrdered(configuration: EditableXml, names: readonly string[]): void {
  checkApart(configuration, names);
  const seen = new Map<EditableXml, string>();
  for (const name of names) {
    const [group] = resourceIn(configuration, name).around;
    if (group === undefined) continue;
    const other = seen.get(group);
    if (other !== undefined) {
      const id = group.attributes['id'] ?? '';
      refuse([`${other} and ${name} are both in the group ${id}, which already orders them.`]);
    }
    seen.set(group, name);
  }
}
