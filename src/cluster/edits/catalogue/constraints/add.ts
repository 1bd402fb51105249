import { Fault } from '../../../../kit/fault.ts';
import { roleIn } from '../../../../parsers/cib/values.ts';
import { childToEdit, type EditableXml } from '../../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../../cluster-change.ts';
import { editConfiguration } from '../../engine/cib-edit.ts';
import { checkIdIsFree, freeId, idsIn } from '../../engine/cib-ids.ts';
import { hasNewRoleNames } from '../operations.ts';
import { relationOf } from './meaning/relation.ts';

export interface Named {
  /** The id; without it, one is made from the content of the constraint. */
  name?: string | undefined;
}

export type ChooseId = (wanted: string) => string;
/** Translates a role to its name in the CIB's schema. */
export type NameRole = <R extends string | undefined>(role: R) => R;

interface Maker {
  configuration: EditableXml;
  id: ChooseId;
  role: NameRole;
}

/**
 * Adds the constraints that `make` returns, unless an existing one says the same or contradicts.
 * @param name the id of the first constraint, if the caller wants one
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
 * Makes a function that chooses free ids. Faults: `id_exists`
 * @param name the first id, if the caller wants one
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
    `The constraint ${names} says the same already. Delete it first if you want another id.`,
  );
}

function constraintContradicts({ attributes }: EditableXml, how: string): Fault {
  return new Fault(
    'constraint_contradicts',
    `The constraint ${attributes['id'] ?? ''} contradicts it: ${how}. Nothing was changed. Delete ${attributes['id'] ?? 'it'} first if you want the new one.`,
  );
}
