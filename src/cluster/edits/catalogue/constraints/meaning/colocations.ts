import { isTrue, scoreOf } from '../../../../../parsers/cib/values.ts';
import type { EditableXml } from '../../../../../parsers/xml-edit.ts';
import { differenceOf, type Options, type Relation } from './comparison.ts';
import { areEqual, areReversed, saidOfSets, setsOf, type Stages, stagesOf } from './stages.ts';
import { anyRole, scoreText } from './values.ts';

interface ColocationMeaning {
  /** Resources and their roles: first those that the later ones go where they are. */
  stages: Stages;
  sets: string;
  score: number;
  /** Resources may share a rack and not a node: what is said of another attribute is about something else. */
  attribute: string;
  options: Options;
}

export function colocationOf(element: EditableXml, constraints: EditableXml): ColocationMeaning {
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
  // Whichever goes where the other is: one keeps together what the other keeps apart.
  const isAboutTwoOfIt =
    areReversed(added.stages, present.stages) ||
    areReversed(added.stages, present.stages.toReversed());
  return isAboutTwoOfIt ? { contradiction: `its score is ${present.options['score']}` } : undefined;
}
