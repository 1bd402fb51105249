import { infinity, isTrue, roleIn, scoreOf } from '../../../parsers/cib/values.ts';
import type { EditableXml } from '../../../parsers/xml-edit.ts';

/** How a constraint that is to be added stands to one that is there. */
export type Relation =
  | 'says the same'
  /** They cannot both hold, or say different things of the same: a clause about the one that is there. */
  | { contradiction: string };

/**
 * Compares what two constraints mean, whatever they leave unsaid and however they say it. A set of resources is
 * compared with a pair, and a role or kind by its older name with the newer one.
 * The defaults are those of the schema (constraints-*.rng), and of Pacemaker Explained where the schema names none.
 * @param constraints the section with both, or at least with the sets that they refer to
 * @returns undefined if both can stand side by side
 */
export function relationOf(
  added: EditableXml,
  present: EditableXml,
  constraints: EditableXml,
): Relation | undefined {
  if (added.name !== present.name) return undefined;
  switch (added.name) {
    case 'rsc_order':
      return relationOfOrders(orderOf(added, constraints), orderOf(present, constraints));
    case 'rsc_colocation':
      return relationOfColocations(
        colocationOf(added, constraints),
        colocationOf(present, constraints),
      );
    case 'rsc_ticket':
      return relationOfTickets(ticketOf(added, constraints), ticketOf(present, constraints));
    case 'rsc_location':
      return relationOfRules(added, present);
    default:
      return undefined;
  }
}

/** Whether a location names a node, and a resource by its name; and if so, what it is about. */
export function plainLocation({
  name,
  attributes,
}: EditableXml): { rsc: string; node: string; role: string } | undefined {
  const { rsc, node, role } = attributes;
  if (name !== 'rsc_location' || rsc === undefined || node === undefined) return undefined;
  return { rsc, node, role: locatedRole(role) };
}

/** Whether two locations of the same resource, node and role say the same of it. */
export function isSameLocation(one: EditableXml, other: EditableXml): boolean {
  return differenceOf(locationOptions(one), locationOptions(other)) === undefined;
}

/** Stages, one after another; resources of one stage are not ordered among themselves. */
type Stages = readonly (readonly string[])[];
/** What a constraint says beside what it is about; all that have a default are there. */
type Options = Readonly<Record<string, string>>;

interface OrderMeaning {
  /** Actions of resources, in order. */
  stages: Stages;
  /** The same for the way back: `stop` for `start`, in reverse; undefined if nothing is said about it. */
  back: Stages | undefined;
  /** What holds for single sets alone. */
  sets: string;
  options: Options;
}

function orderOf(element: EditableXml, constraints: EditableXml): OrderMeaning {
  const { attributes } = element;
  // Before there were kinds, a score of 0 said "optional" (constraints-*.rng).
  const kind = attributes['kind'] ?? (isZero(attributes['score']) ? 'Optional' : 'Mandatory');
  // What must not happen at the same time has no way back.
  const isSymmetrical = kind !== 'Serialize' && isTrue(attributes['symmetrical'] ?? 'true');
  const options = {
    kind,
    symmetrical: String(isSymmetrical),
    'require-all': String(isTrue(attributes['require-all'] ?? 'true')),
  };
  const { first = '', then = '' } = attributes;
  const action = attributes['first-action'] ?? 'start';
  const thenAction = attributes['then-action'] ?? action;
  const sets = setsOf(element, constraints);
  const parts =
    sets.length > 0
      ? sets.flatMap((set) => stagesOf(set, set.attributes['action'] ?? 'start'))
      : [[[first, action]], [[then, thenAction]]];
  const stagesWith = (give: (action: string) => string): string[][] =>
    parts.map((part) =>
      part.map(([resource = '', each = '']) => `${give(each)} ${resource}`).sort(),
    );
  const inverse = stagesWith((each) => inverses[each] ?? each).reverse();
  return {
    stages: stagesWith((each) => each),
    back: isSymmetrical ? inverse : undefined,
    sets: saidOfSets(sets, { kind, 'require-all': 'true' }),
    options,
  };
}

const inverses: Readonly<Record<string, string>> = {
  ...{ start: 'stop', stop: 'start', promote: 'demote', demote: 'promote' },
};

function relationOfOrders(added: OrderMeaning, present: OrderMeaning): Relation | undefined {
  const { stages, back } = present;
  const isSerialized = [added, present].some(({ options }) => options['kind'] === 'Serialize');
  if (
    areEqual(added.stages, stages) ||
    (isSerialized && areEqual(added.stages, stages.toReversed()))
  ) {
    const difference =
      differenceOf(present.options, added.options) ??
      (added.sets === present.sets ? undefined : 'its sets have other options');
    return difference === undefined ? 'says the same' : { contradiction: difference };
  }
  if (isSerialized) return undefined;
  // To say the way back as well, which a symmetrical one says already, is usual.
  const isReversed = [added.stages, added.back].some((mine) =>
    [stages, back].some((theirs) => mine && theirs && areReversed(mine, theirs)),
  );
  if (!isReversed) return undefined;
  return { contradiction: 'it orders the same actions, or what undoes them, the other way round' };
}

interface ColocationMeaning {
  /** Resources and their roles: first those that the later ones go where they are. */
  stages: Stages;
  sets: string;
  score: number;
  /** Resources may share a rack and not a node: what is said of another attribute is about something else. */
  attribute: string;
  options: Options;
}

function colocationOf(element: EditableXml, constraints: EditableXml): ColocationMeaning {
  const { attributes } = element;
  const sets = setsOf(element, constraints);
  const named = (resource = '', role: string | undefined) => `${resource} ${anyRole(role)}`.trim();
  // The resources of a set go where those of the next one are, and inside of a set where the one before is.
  const stages =
    sets.length > 0
      ? sets.toReversed().flatMap((set) => {
          const { role, ordering = 'group' } = set.attributes;
          const all = stagesOf(set, '').map((part) =>
            part.map(([resource]) => named(resource, role)).sort(),
          );
          return ordering === 'group' ? all : all.reverse();
        })
      : [
          [named(attributes['with-rsc'], attributes['with-rsc-role'])],
          [named(attributes['rsc'], attributes['rsc-role'])],
        ];
  const [only] = sets.length === 1 ? sets : [];
  const score = only?.attributes['score'] ?? attributes['score'] ?? '0';
  return {
    stages,
    sets: saidOfSets(sets.length === 1 ? [] : sets, {}, ['score']),
    score: scoreOf(score),
    attribute: attributes['node-attribute'] ?? '#uname',
    options: {
      score: scoreText(score),
      influence: String(isTrue(attributes['influence'] ?? 'true')),
    },
  };
}

function relationOfColocations(
  added: ColocationMeaning,
  present: ColocationMeaning,
): Relation | undefined {
  if (added.attribute !== present.attribute) return undefined;
  if (areEqual(added.stages, present.stages)) {
    const difference =
      differenceOf(present.options, added.options) ??
      (added.sets === present.sets ? undefined : 'its sets have other scores');
    return difference === undefined ? 'says the same' : { contradiction: difference };
  }
  if (added.score * present.score >= 0) return undefined;
  // Whichever goes where the other is: one keeps together what the other keeps apart.
  const isAboutTwoOfIt =
    areReversed(added.stages, present.stages) ||
    areReversed(added.stages, present.stages.toReversed());
  return isAboutTwoOfIt ? { contradiction: `its score is ${present.options['score']}` } : undefined;
}

interface TicketMeaning {
  ticket: string;
  /** Resources and their roles. */
  all: readonly string[];
  options: Options;
}

function ticketOf(element: EditableXml, constraints: EditableXml): TicketMeaning {
  const { attributes } = element;
  const sets = setsOf(element, constraints);
  const parts =
    sets.length > 0
      ? sets.flatMap((set) => resourcesOf(set).map((each) => [each, set.attributes['role']]))
      : [[attributes['rsc'], attributes['rsc-role']]];
  const isPromoted = parts.some(([, role]) => anyRole(role) === 'Promoted');
  const policy = attributes['loss-policy'] ?? (isPromoted ? 'demote' : 'stop');
  return {
    ticket: attributes['ticket'] ?? '',
    all: parts.map(([resource = '', role]) => `${resource} ${anyRole(role)}`),
    options: { 'loss-policy': policy },
  };
}

function relationOfTickets(added: TicketMeaning, present: TicketMeaning): Relation | undefined {
  if (added.ticket !== present.ticket) return undefined;
  const common = added.all.filter((each) => present.all.includes(each));
  if (common.length === 0) return undefined;
  const difference = differenceOf(present.options, added.options);
  if (difference !== undefined) return { contradiction: difference };
  return common.length === added.all.length ? 'says the same' : undefined;
}

/** Of a resource's location by a rule. Those by a node take the place of each other instead. */
function relationOfRules(added: EditableXml, present: EditableXml): Relation | undefined {
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

/** When a rule holds, whatever its score. */
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
    ...{ score: scoreText(score), 'resource-discovery': discovery },
    lifetime: lifetime ? 'limited' : 'unlimited',
  };
}

/** Whether one has two things in one order and the other in the opposite one. In linear time, for sets are long. */
function areReversed(one: Stages, other: Stages): boolean {
  const places = new Map(other.flatMap((stage, place) => stage.map((each) => [each, place])));
  let last = -1;
  for (const stage of one) {
    const found = stage.flatMap((each) => places.get(each) ?? []);
    if (found.some((place) => place < last)) return true;
    last = Math.max(last, ...found);
  }
  return false;
}

function areEqual(one: Stages, other: Stages): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What the first has that the second has otherwise, as a clause about the first. */
function differenceOf(
  one: Options,
  other: Options,
  names: readonly string[] = Object.keys(one),
): string | undefined {
  const name = names.find((each) => one[each] !== other[each]);
  return name && `its ${name} is ${one[name]}, not ${other[name]}`;
}

/** The sets of a constraint, with what those that are references refer to. */
function setsOf({ children }: EditableXml, constraints: EditableXml): EditableXml[] {
  const areSets = ({ name }: EditableXml) => name === 'resource_set';
  return children.filter(areSets).map((set) => {
    const reference = set.attributes['id-ref'];
    if (reference === undefined) return set;
    const all = constraints.children.flatMap((each) => each.children.filter(areSets));
    return all.find(({ attributes }) => attributes['id'] === reference) ?? set;
  });
}

/** The resources of a set with something that is said of each, in stages. */
function stagesOf(set: EditableXml, said: string): string[][][] {
  const all = resourcesOf(set).map((each) => [each, said]);
  return isTrue(set.attributes['sequential'] ?? 'true') ? all.map((each) => [each]) : [all];
}

function resourcesOf({ children }: EditableXml): string[] {
  return children.map(({ attributes }) => attributes['id'] ?? '');
}

/** What sets say of themselves other than by default. */
function saidOfSets(
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

/** To be started is to have any role in which it is active. */
function anyRole(role = 'Started'): string {
  return role === 'Started' ? '' : roleIn(role, true);
}

/** For a location, each role but the promoted is any role (Pacemaker's pcmk_sched_location.c). */
function locatedRole(role?: string): string {
  const any = anyRole(role);
  return any === 'Unpromoted' ? '' : any;
}

function isZero(score: string | undefined): boolean {
  return score !== undefined && scoreOf(score) === 0;
}

function scoreText(score: string): string {
  const number = scoreOf(score);
  if (Math.abs(number) < infinity) return String(number);
  return number < 0 ? '-INFINITY' : 'INFINITY';
}
