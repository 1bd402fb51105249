import { Fault } from '../../../../kit/fault.ts';
import { childToEdit } from '../../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../../cluster-change.ts';
import { editConfiguration } from '../../engine/cib-edit.ts';

/** Faults of the edit: `constraint_not_found` */
export function deleteConstraint(id: string): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const constraints = childToEdit(configuration, 'constraints');
      const others = constraints.children.filter(({ attributes }) => attributes['id'] !== id);
      if (others.length === constraints.children.length) throw constraintNotFound(id);
      constraints.children = others;
    }),
  );
}

function constraintNotFound(id: string): Fault {
  return new Fault(
    'constraint_not_found',
    `There is no constraint ${id}. The list of constraints shows all ids.`,
  );
}
