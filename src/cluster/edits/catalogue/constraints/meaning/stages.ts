import { isTrue } from '../../../../../parsers/cib/values.ts';
import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import type { Options } from './comparison.ts';

/** Stages in order. Resources of one stage are not ordered among themselves. */
export type Stages = readonly (readonly string[])[];

/** Whether `other` has two items of `one` in the opposite order. It takes linear time, because sets may be long. */
export function areReversed(one: Stages, other: Stages): boolean {
  const places = new Map(other.flatMap((stage, place) => stage.map((each) => [each, place])));
  let last = -1;
  for (const stage of one) {
    const found = stage.flatMap((each) => places.get(each) ?? []);
    if (found.some((place) => place < last)) return true;
    last = Math.max(last, ...found);
  }
  return false;
}

export function areEqual(one: Stages, other: Stages): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The sets of a constraint. References are replaced by their targets. */
export function setsOf({ children }: EditableXml, constraints: EditableXml): EditableXml[] {
  const areSets = ({ name }: EditableXml) => name === 'resource_set';
  return children.filter(areSets).map((set) => {
    const reference = set.attributes['id-ref'];
    if (reference === undefined) return set;
    const all = constraints.children.flatMap((each) => each.children.filter(areSets));
    return all.find(({ attributes }) => attributes['id'] === reference) ?? set;
  });
}

/** The resources of a set in stages, each with `said`. */
export function stagesOf(set: EditableXml, said: string): string[][][] {
  const all = resourcesOf(set).map((each) => [each, said]);
  return isTrue(set.attributes['sequential'] ?? 'true') ? all.map((each) => [each]) : [all];
}

export function resourcesOf({ children }: EditableXml): string[] {
  return children.map(({ attributes }) => attributes['id'] ?? '');
}

/** The options of sets that differ from the defaults, as text for a comparison. */
export function saidOfSets(
  sets: readonly EditableXml[],
  defaults: Options,
  names: readonly string[] = Object.keys(defaults),
): string {
  const valueOf = (name: string, value = defaults[name]) =>
    name === 'require-all' ? String(isTrue(value ?? 'true')) : value;
  const said = sets.map(({ attributes }) =>
    names
      .map((name) => [name, valueOf(name, attributes[name])])
      .filter(([name = '', value]) => value !== defaults[name]),
  );
  return said.some((each) => each.length > 0) ? JSON.stringify(said) : '';
}
