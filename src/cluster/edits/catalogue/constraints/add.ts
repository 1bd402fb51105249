import { Fault } from '../../../../kit/fault.ts';
import { roleIn } from '../../../../parsers/cib/values.ts';
import { childToEdit, type EditableXml } from '../../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../../cluster-change.ts';
import { editConfiguration } from '../../engine/cib-edit.ts';
import { checkIdIsFree, freeId, idsIn } from '../../engine/cib-ids.ts';
import { hasNewRoleNames } from '../operations.ts';
import { relationOf } from './meaning/relation.ts';

export interface Named {
  /** The id; without one it is made of what the constraint says. */
  name?: string | undefined;
}

export type ChooseId = (wanted: string) => string;
/** Gives a role the name that the CIB's schema has for it. */
export type NameRole = <R extends string | undefined>(role: R) => R;

interface Maker {
  configuration: EditableXml;
  id: ChooseId;
  role: NameRole;
}

/**
 * Adds what `make` gives, unless something that is there says the same or otherwise.
 * @param name the id of the first, if the caller wants one
 */
export function add(
  name: string | undefined,
  make: (maker: Maker) => EditableXml[],
): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration, _tools, cib) => {
      const id = idsFor(configuration, name);
      const constraints = childToEdit(configuration, 'constraints');
      for (const constraint of make({ configuration, id, role: roleOf(cib) })) {
        for (const each of constraints.children) {
          const relation = relationOf(constraint, each, constraints);
          if (relation === 'says the same') throw constraintExists([each]);
          if (relation) throw constraintContradicts(each, relation.contradiction);
        }
        constraints.children.push(constraint);
      }
    }),
  );
}

/**
 * Chooses ids that are free. Faults: `id_exists`
 * @param name the first of them, if the caller wants it
 */
export function idsFor(configuration: EditableXml, name: string | undefined): ChooseId {
  if (name !== undefined) checkIdIsFree(configuration, name);
  const ids = idsIn(configuration);
  let given = name;
  return (wanted) => {
    if (given === undefined) return freeId(ids, wanted);
    const chosen = given;
    given = undefined;
    ids.add(chosen);
    return chosen;
  };
}

export function roleOf(cib: EditableXml): NameRole {
  const isNew = hasNewRoleNames(cib);
  return <R extends string | undefined>(role: R) => (role && roleIn(role, isNew)) as R;
}

export function constraintExists(same: readonly EditableXml[]): Fault {
  const names = same.map(({ attributes }) => attributes['id'] ?? '').join(' and ');
  return new Fault(
    'constraint_exists',
    `The constraint ${names} says the same already. Delete it first if it is to have another id.`,
  );
}

function constraintContradicts({ attributes }: EditableXml, how: string): Fault {
  return new Fault(
    'constraint_contradicts',
    `The constraint ${attributes['id'] ?? ''} contradicts it: ${how}. Nothing was changed. Delete that one first if this one is to hold.`,
  );
}
