import { Fault } from '../../../kit/fault.ts';
import type { ClusterOption } from '../../../pacemaker/daemons.ts';
import { isFalse, isOptionTime, isTrue } from '../../../parsers/cib/values.ts';
import { childToEdit, removeChildren } from '../../../parsers/xml-edit.ts';
import { type ClusterOptionsReader, propertyNotFound } from '../../reading/properties.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration } from '../engine/cib-edit.ts';
import { setPair, unsetPair } from '../engine/cib-pairs.ts';

/** Properties that only Pacemaker should write. pcs refuses the same. */
const ofPacemaker: readonly string[] = [
  'cluster-infrastructure',
  'cluster-name',
  'dc-version',
  'have-watchdog',
  'last-lrm-refresh',
];

const kind = 'cluster_property_set';
/** The set that Pacemaker's own tools and pcs write. It takes precedence over all others. */
const setId = 'cib-bootstrap-options';

export interface PropertyChanges {
  /** Faults of the edit: `property_not_found`, `property_is_pacemakers`, `value_not_allowed`. */
  set: (name: string, value: string) => ClusterChange<void>;
  /** Faults of the edit: `property_not_set`, `property_is_pacemakers`. */
  delete: (name: string) => ClusterChange<void>;
  /** Removes all properties except those that Pacemaker writes itself. */
  deleteAll: () => ClusterChange<void>;
}

export function makePropertyChanges(readOptions: ClusterOptionsReader): PropertyChanges {
  return {
    set: (name, value) =>
      cibChange(async (xml, tools) => {
        checkIsOurs(name);
        const option = (await readOptions()).get(name);
        if (option === undefined) throw propertyNotFound(name);
        checkValue(value, option);
        return editConfiguration((configuration) => {
          const crmConfig = childToEdit(configuration, 'crm_config');
          setPair(configuration, crmConfig, kind, setId, name, value);
        })(xml, tools);
      }),

    delete: (name) =>
      cibChange(
        editConfiguration((configuration) => {
          checkIsOurs(name);
          if (!unsetPair(childToEdit(configuration, 'crm_config'), kind, name)) {
            throw new Fault(
              'property_not_set',
              `The property ${name} is not set, so its default applies already. The list of properties shows which are set.`,
            );
          }
        }),
      ),

    deleteAll: () =>
      cibChange(
        editConfiguration((configuration) => {
          const sets = childToEdit(configuration, 'crm_config').children;
          for (const set of sets.filter(({ name }) => name === kind)) {
            removeChildren(
              set,
              ({ name, attributes }) =>
                name === 'nvpair' && !ofPacemaker.includes(attributes['name'] ?? ''),
            );
          }
        }),
      ),
  };
}

/** Faults: `property_is_pacemakers` */
function checkIsOurs(name: string): void {
  if (!ofPacemaker.includes(name)) return;
  throw new Fault(
    'property_is_pacemakers',
    `Pacemaker sets ${name} itself. Take another property; the list of properties shows all names.`,
  );
}

const integer = /^(?:[+-]?\d{1,18}|[+-]?INFINITY)$/;

/** The allowed values, by the type in the metadata (Pacemaker Explained, "Cluster Options"). */
const types: Readonly<Record<string, { matches: (value: string) => boolean; expected: string }>> = {
  boolean: { matches: (value) => isTrue(value) || isFalse(value), expected: '"true" or "false"' },
  integer: { matches: (value) => integer.test(value), expected: 'an integer' },
  percentage: {
    matches: (value) => /^\d{1,3}%$/.test(value),
    expected: 'a percentage, such as "80%"',
  },
  time: {
    matches: isOptionTime,
    expected: 'a time, such as "60s" or "5min"',
  },
};

/** Faults: `value_not_allowed` */
function checkValue(value: string, { name, type, values }: ClusterOption): void {
  const known = types[type];
  const allowed = values ? values.includes(value) : (known?.matches(value) ?? true);
  if (allowed) return;
  throw new Fault(
    'value_not_allowed',
    `${name} takes ${values ? `one of ${values.join(', ')}` : (known?.expected ?? 'another value')}. Nothing was changed.`,
  );
}
