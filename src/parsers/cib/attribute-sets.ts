import { contentOf, type XmlContent } from '../xml-content.ts';
import { child, children, type XmlElement } from '../xml.ts';
import type { Follow } from './references.ts';
import { scoreOf } from './values.ts';

/**
 * The content of an element for which its type here has no fields. New versions of Pacemaker add to the CIB, and nothing of that may be lost.
 */
export type Rest = XmlContent;

/** Names and values, by name. */
export type Pairs = Readonly<Record<string, string>>;

/**
 * The attribute sets of one kind in an element (`instance_attributes`, `meta_attributes`,
 * `utilization`, `cluster_property_set`).
 */
export interface AttributeSets {
  /**
   * The pairs that count without rules. The set with the higher score wins; among equals, the last one wins. In one set,
   * the first pair of a name wins. (crm_resource --get-parameter shows the same on 2.0, 2.1 and 3.0.) Sets with a rule are
   * left out, because only Pacemaker can judge when they count. References are followed.
   */
  pairs: Pairs;
  /** Names for which a set with a rule has a value. */
  underRules: readonly string[];
  /** The sets that have more than an id and pairs: a rule, a score, a reference. */
  whole: readonly Rest[];
}

/** The cluster properties. The set that Pacemaker itself writes wins over all others, whatever their scores. */
export function propertiesOf(crmConfig: XmlElement | undefined, follow: Follow): AttributeSets {
  const sets = children(crmConfig, 'cluster_property_set');
  const isOwn = (set: XmlElement) => set.attributes['id'] === 'cib-bootstrap-options';
  const own = setsOf(sets.filter(isOwn), follow);
  const others = setsOf(
    sets.filter((set) => !isOwn(set)),
    follow,
  );
  return {
    pairs: { ...others.pairs, ...own.pairs },
    underRules: [...own.underRules, ...others.underRules],
    whole: [...own.whole, ...others.whole],
  };
}

/** @param raw sets of one kind in an element, in its order */
export function setsOf(raw: readonly XmlElement[], follow: Follow): AttributeSets {
  const sets = raw.map(follow);
  const hasRule = (set: XmlElement) => child(set, 'rule') !== undefined;
  const scoreOfSet = ({ attributes }: XmlElement) => scoreOf(attributes['score']);
  const pairsOf = (set: XmlElement) => children(set, 'nvpair').map(follow);
  const strongestFirst = sets
    .filter((set) => !hasRule(set))
    .toReversed()
    .toSorted((one, other) => scoreOfSet(other) - scoreOfSet(one));
  const pairs = new Map<string, string>();
  for (const { attributes } of strongestFirst.flatMap(pairsOf)) {
    const { name, value } = attributes;
    if (name !== undefined && value !== undefined && !pairs.has(name)) pairs.set(name, value);
  }
  return {
    pairs: Object.fromEntries(pairs),
    underRules: sets
      .filter(hasRule)
      .flatMap(pairsOf)
      .map(({ attributes }) => attributes['name'] ?? ''),
    whole: raw.filter((set) => !isPlain(set)).map((set) => restOf(set, [])),
  };
}

/** Whether a set has only an id and pairs. */
function isPlain(set: XmlElement): boolean {
  return (
    saysOnly(set, ['id'], ['nvpair']) &&
    set.children.every(
      (each) => saysOnly(each, ['id', 'name', 'value'], []) && 'value' in each.attributes,
    )
  );
}

export function saysOnly(
  element: XmlElement,
  attributes: readonly string[],
  childNames: readonly string[],
): boolean {
  return (
    Object.keys(element.attributes).every((name) => attributes.includes(name)) &&
    element.children.every(({ name }) => childNames.includes(name))
  );
}

export function restOf(
  element: XmlElement,
  knownAttributes: readonly string[],
  knownChildren: readonly string[] = [],
): Rest {
  return contentOf({
    ...element,
    attributes: Object.fromEntries(
      Object.entries(element.attributes).filter(([name]) => !knownAttributes.includes(name)),
    ),
    children: element.children.filter(({ name }) => !knownChildren.includes(name)),
  });
}
