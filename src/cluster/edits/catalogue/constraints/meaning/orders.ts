import { isTrue } from '../../../../../parsers/cib/values.ts';
import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { differenceOf, type Options, type Relation } from './comparison.ts';
import { areEqual, areReversed, saidOfSets, setsOf, type Stages, stagesOf } from './stages.ts';
import { isZero } from './values.ts';

interface OrderMeaning {
  /** The actions of resources, in order. */
  stages: Stages;
  /** The reverse order of the inverse actions, such as `stop` for `start`; undefined if the order is not symmetrical. */
  back: Stages | undefined;
  /** The options of single sets. */
  sets: string;
  options: Options;
}

export function orderOf(element: EditableXml, constraints: EditableXml): OrderMeaning {
  const { attributes } = element;
  // Before there were kinds, a score of 0 said "optional" (constraints-*.rng).
  const kind = attributes['kind'] ?? (isZero(attributes['score']) ? 'Optional' : 'Mandatory');
  // A serialized order only excludes actions at the same time, so it has no reverse order.
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
  start: 'stop',
  stop: 'start',
  promote: 'demote',
  demote: 'promote',
};

export function relationOfOrders(added: OrderMeaning, present: OrderMeaning): Relation | undefined {
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
  // An explicit reverse order next to a symmetrical one is usual, and does not contradict it.
  const isReversed = [added.stages, added.back].some((mine) =>
    [stages, back].some((theirs) => mine && theirs && areReversed(mine, theirs)),
  );
  if (!isReversed) return undefined;
  return { contradiction: 'it orders the same actions, or what undoes them, the other way round' };
}
