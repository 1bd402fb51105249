import { isDeepStrictEqual } from 'node:util';

import type { XmlElement } from '../../parsers/xml.ts';

/**
 * A step from one CIB to another, as in Pacemaker's patches (format 2, xml_apply_patchset in libcrmcommon). `path` leads to
 * the element itself, or to the parent of an element that is created. `position` counts the children at that step, from 0.
 */
export type CibDifference =
  | { operation: 'create'; path: string; position: number; element: XmlElement }
  | {
      operation: 'modify';
      path: string;
      set: Readonly<Record<string, string>>;
      unset: readonly string[];
      /** The element after the step; its children are ignored. */
      element: XmlElement;
    }
  | { operation: 'move'; path: string; position: number }
  | { operation: 'delete'; path: string };

/**
 * The steps from one CIB to another. Some elements cannot be changed in a step of their own, because Pacemaker would not
 * find them by a path or they contain text. For these, the parent is replaced.
 * @param before the element `<cib>`
 */
export function cibDifferences(before: XmlElement, after: XmlElement): readonly CibDifference[] {
  const steps = inside(before, after, '/cib');
  if (steps === undefined) throw new Error('An edit changed comments or text directly in <cib>.');
  return steps;
}

/**
 * The steps from an element to another one of the same name and id.
 * @returns undefined if only a replacement is possible
 */
function inside(
  before: XmlElement,
  after: XmlElement,
  path: string,
): readonly CibDifference[] | undefined {
  if (before.text !== after.text) return undefined;
  const attributes = modification(before, after, path);
  const [old, wanted] = [byStep(before), byStep(after)];
  if (old === undefined || wanted === undefined) {
    return isDeepStrictEqual(before.children, after.children) ? attributes : undefined;
  }

  const deep: CibDifference[] = [];
  const matched = new Map<XmlElement, XmlElement>();
  for (const [step, element] of wanted) {
    const former = old.get(step);
    const steps = former && inside(former, element, `${path}/${step}`);
    if (former === undefined || steps === undefined) continue;
    matched.set(former, element);
    deep.push(...steps);
  }
  const deletions = [...old].flatMap(([step, element]): CibDifference[] =>
    matched.has(element) ? [] : [{ operation: 'delete', path: `${path}/${step}` }],
  );

  // Pacemaker deletes first, and then creates and moves in the order of the positions. So everything before a position is
  // in place when its turn comes.
  const placed = before.children.flatMap((each) => matched.get(each) ?? []);
  const placements: CibDifference[] = [];
  for (const [position, [step, element]] of [...wanted].entries()) {
    if (placed[position] === element) continue;
    const from = placed.indexOf(element, position);
    if (from < 0) placements.push({ operation: 'create', path, position, element });
    else {
      placed.splice(from, 1);
      placements.push({ operation: 'move', path: `${path}/${step}`, position });
    }
    placed.splice(position, 0, element);
  }

  const ofThis = [...deletions, ...placements];
  return ofThis.some((each) => isOfComment(each, path))
    ? undefined
    : [...attributes, ...deletions, ...deep, ...placements];
}

/** Whether the step is about a comment, which counts as a child but has no path. */
function isOfComment(difference: CibDifference, path: string): boolean {
  return difference.operation === 'create'
    ? difference.element.name === '!--'
    : difference.path.startsWith(`${path}/!--`);
}

function modification(
  { attributes: before }: XmlElement,
  element: XmlElement,
  path: string,
): readonly CibDifference[] {
  const after = element.attributes;
  const set = Object.entries(after).filter(([name, value]) => before[name] !== value);
  const unset = Object.keys(before).filter((name) => after[name] === undefined);
  if (set.length === 0 && unset.length === 0) return [];
  return [{ operation: 'modify', path, set: Object.fromEntries(set), unset, element }];
}

/**
 * The children by the last step of their paths.
 * @returns undefined if Pacemaker would not find each of them: it splits a path with `sscanf`, and takes the first child of
 * that name and, if the step has one, that id
 */
function byStep({ children }: XmlElement): ReadonlyMap<string, XmlElement> | undefined {
  const named = new Map<string, XmlElement>();
  const names: string[] = [];
  for (const each of children) {
    const step = stepTo(each, names);
    if (step === undefined || named.has(step)) return undefined;
    named.set(step, each);
    names.push(each.name);
  }
  return named;
}

/** @param names of the children before it */
function stepTo({ name, attributes }: XmlElement, names: readonly string[]): string | undefined {
  // Comments are identified by their order. A path to one is used only in this file.
  if (name === '!--') return `!--${names.filter((each) => each === name).length}`;
  const { id } = attributes;
  if (id === undefined) return names.includes(name) ? undefined : name;
  return /[\s/']/.test(id) ? undefined : `${name}[@id='${id}']`;
}
