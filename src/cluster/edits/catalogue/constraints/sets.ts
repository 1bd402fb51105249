import { type EditableXml, newElement } from '../../../../parsers/xml-edit.ts';
import type { ClusterChange } from '../../cluster-change.ts';
import { add, type ChooseId, type NameRole } from './add.ts';
import { checkApart, checkOrdered } from './checks.ts';

/** The resources of a set, and its options: `sequential`, `require-all`, `action`, `role` … */
export interface SetOfResources {
  resources: readonly string[];
  options?: Readonly<Record<string, string>> | undefined;
}

export function addWithSets(
  name: string | undefined,
  kind: 'order' | 'colocation',
  sets: readonly SetOfResources[],
  attributes: Readonly<Record<string, string>>,
): ClusterChange<void> {
  return add(name, ({ configuration, id, role }) => {
    const names = sets.flatMap(({ resources }) => resources);
    (kind === 'order' ? checkOrdered : checkApart)(configuration, names);
    const own = id(idOfSets(kind, sets));
    return [newElement(`rsc_${kind}`, { id: own, ...attributes }, setElements(sets, id, role))];
  });
}

/** The same id as in pcs. */
function idOfSets(kind: string, sets: readonly SetOfResources[]): string {
  return `${kind}_set_${sets.map(({ resources }) => resources.join('_')).join('_set_')}`;
}

function setElements(sets: readonly SetOfResources[], id: ChooseId, role: NameRole): EditableXml[] {
  return sets.map(({ resources, options: { role: given, ...options } = {} }) =>
    newElement(
      'resource_set',
      { id: id(`pcs_rsc_set_${resources.join('_')}`), ...options, role: role(given) },
      resources.map((resource) => newElement('resource_ref', { id: resource })),
    ),
  );
}
