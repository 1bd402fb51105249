import { isTrue, scoreOf } from '../../../../../parsers/cib/values.ts';
import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { differenceOf, type Options, type Relation } from './comparison.ts';
import { areEqual, areReversed, saidOfSets, setsOf, type Stages, stagesOf } from './stages.ts';
import { anyRole, scoreText } from './values.ts';

interface ColocationMeaning {
  /** Resources and their roles. Later ones are placed next to earlier ones. */
  stages: Stages;
  sets: string;
  score: number;
  /** Colocations by different attributes are unrelated: resources may share a rack, but not a node. */
  attribute: string;
  options: Options;
}

export function colocationOf(element: EditableXml, constraints: EditableXml): ColocationMeaning {
  const { attributes } = element;
  const sets = setsOf(element, constraints);
  const named = (resource = '', role: string | undefined) => `${resource} ${anyRole(role)}`.trim();
  // The resources of a set follow those of the next set. Inside a set, each follows the one before it.
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

export function relationOfColocations(
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
  // In whichever direction: one keeps the resources together, and the other keeps them apart.
  const isAboutTwoOfIt =
    areReversed(added.stages, present.stages) ||
    areReversed(added.stages, present.stages.toReversed());
  return isAboutTwoOfIt ? { contradiction: `its score is ${present.options['score']}` } : undefined;
}
