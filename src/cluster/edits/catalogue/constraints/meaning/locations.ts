import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { differenceOf, type Options, type Relation } from './comparison.ts';
import { anyRole, scoreText } from './values.ts';

/** The resource, node and role of a location; undefined if it does not name both a resource and a node. */
export function plainLocation({
  name,
  attributes,
}: EditableXml): { rsc: string; node: string; role: string } | undefined {
  const { rsc, node, role } = attributes;
  if (name !== 'rsc_location' || rsc === undefined || node === undefined) return undefined;
  return { rsc, node, role: locatedRole(role) };
}

/** Whether two locations with the same resource, node and role have the same options. */
export function isSameLocation(one: EditableXml, other: EditableXml): boolean {
  return differenceOf(locationOptions(one), locationOptions(other)) === undefined;
}

/** Compares locations by rule. Locations by node are not compared, because a new one replaces the old one. */
export function relationOfRules(added: EditableXml, present: EditableXml): Relation | undefined {
  const { rsc } = added.attributes;
  const rules = added.children.filter(({ name }) => name === 'rule');
  if (rules.length === 0 || rsc === undefined || rsc !== present.attributes['rsc'])
    return undefined;
  const when = new Set(rules.map((rule) => conditionOf(rule, added)));
  const same = present.children.find(
    (each) => each.name === 'rule' && when.has(conditionOf(each, present)),
  );
  if (same === undefined) return undefined;
  const [rule = same] = rules;
  const difference =
    differenceOf(ruleScore(same), ruleScore(rule)) ??
    differenceOf(locationOptions(present), locationOptions(added));
  return difference === undefined ? 'says the same' : { contradiction: difference };
}

/** The condition of a rule, without its score. */
function conditionOf(rule: EditableXml, { attributes }: EditableXml): string {
  const role = locatedRole(rule.attributes['role'] ?? attributes['role']);
  return JSON.stringify([role, saidBy(rule)]);
}

function saidBy({ name, attributes, children }: EditableXml): unknown {
  const { operation = '' } = attributes;
  const defaults: Options = {
    ...(name === 'rule' && { 'boolean-op': 'and' }),
    ...(name === 'expression' && { 'value-source': 'literal' }),
    ...(name === 'expression' && ['eq', 'ne'].includes(operation) && { type: 'string' }),
  };
  const ofScore = ['id', 'score', 'score-attribute', 'role'];
  const said = Object.entries({ ...defaults, ...attributes })
    .filter(([key]) => !(name === 'rule' ? ofScore : ['id']).includes(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [name, said, children.map((each) => JSON.stringify(saidBy(each))).sort()];
}

function ruleScore({ attributes }: EditableXml): Options {
  const { score = '0', 'score-attribute': attribute = '' } = attributes;
  return { score: scoreText(score), 'score-attribute': attribute };
}

function locationOptions({ attributes, children }: EditableXml): Options {
  const { score = '0', 'resource-discovery': discovery = 'always' } = attributes;
  const lifetime = children.some(({ name }) => name === 'lifetime');
  return {
    score: scoreText(score),
    'resource-discovery': discovery,
    lifetime: lifetime ? 'limited' : 'unlimited',
  };
}

/** In a location, every role except the promoted one means any role (Pacemaker's pcmk_sched_location.c). */
function locatedRole(role?: string): string {
  const any = anyRole(role);
  return any === 'Unpromoted' ? '' : any;
}
