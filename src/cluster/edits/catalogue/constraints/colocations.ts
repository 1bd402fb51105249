import { newElement } from '../../../../parsers/xml-edit.ts';
import type { ClusterChange } from '../../cluster-change.ts';
import { add, type Named } from './add.ts';
import { checkApart } from './checks.ts';
import { addWithSets, type SetOfResources } from './sets.ts';

export interface Colocation extends Named {
  first: string;
  then: string;
  score?: string | undefined;
  /** `rsc-role`, `with-rsc-role`, `influence`, `node-attribute`. */
  options?: Readonly<Record<string, string>> | undefined;
}

export interface ColocationGroup extends Named {
  sets: readonly SetOfResources[];
  score?: string | undefined;
}

/** Faults of the edit: as addOrder. */
export function addColocation(colocation: Colocation): ClusterChange<void> {
  const { name, first, then, score = 'INFINITY', options = {} } = colocation;
  return add(name, ({ configuration, id, role }) => {
    checkApart(configuration, [first, then]);
    const { 'rsc-role': firstRole, 'with-rsc-role': thenRole, ...others } = options;
    return [
      newElement('rsc_colocation', {
        id: id(`colocation-${first}-${then}-${score}`),
        rsc: first,
        'with-rsc': then,
        score,
        ...others,
        'rsc-role': role(firstRole),
        'with-rsc-role': role(thenRole),
      }),
    ];
  });
}

/** Faults of the edit: as addOrder. */
export function addColocationGroup({
  name,
  sets,
  score = 'INFINITY',
}: ColocationGroup): ClusterChange<void> {
  return addWithSets(name, 'colocation', sets, { score });
}
