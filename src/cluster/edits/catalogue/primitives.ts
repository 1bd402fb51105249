import { isSecretName, masked } from '../../../kit/secrets/secret-names.ts';
import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';
import { childToEdit, type EditableXml, newElement } from '../../../parsers/xml-edit.ts';
import type { Agent } from '../../agents/agent-metadata.ts';
import { refuse } from '../engine/cib-edit.ts';
import { checkIdIsFree, idsIn } from '../engine/cib-ids.ts';
import { inheritedPairs, newSet, pairsIn, refuseReference, setPairs } from '../engine/cib-pairs.ts';
import { usesOf } from '../engine/shared-parts.ts';
import {
  type CheckedResource,
  problemsOfChangedParams,
  problemsOfNewParams,
} from './agent-checks.ts';
import {
  hasNewRoleNames,
  newOperations,
  type OperationOptions,
  problemsOfNewOperations,
  problemsOfOperations,
  replaceOperations,
} from './operations.ts';

/** The options of a resource. An empty value removes a pair. */
export interface ResourceOptions {
  params: Pairs;
  meta: Pairs;
  operations: readonly OperationOptions[];
}

/** The surroundings of a primitive that is made or changed. */
export interface Surroundings extends Omit<CheckedResource, 'id' | 'agent'> {
  cib: EditableXml;
}

/**
 * Makes a primitive as pcs does, but does not add it to the configuration.
 * Faults: `id_exists`, `cluster_refused` with all that is wrong with its options.
 */
export function newPrimitive(
  { cib, ...surroundings }: Surroundings & { agent: Agent },
  id: string,
  { params, meta, operations }: ResourceOptions,
): EditableXml {
  const { agent, configuration } = surroundings;
  refuse([
    ...problemsOfNewParams({ ...surroundings, id }, params),
    ...problemsOfNewOperations(agent, operations),
  ]);
  checkIdsOf(configuration, operations);
  const ids = idsIn(configuration).add(id);
  const { class: standard, provider, type } = agent;
  const given = Object.entries({ ...unfencing(agent), ...meta }).filter(
    ([, value]) => value !== '',
  );
  return newElement('primitive', { id, class: standard, provider, type }, [
    ...(Object.keys(params).length > 0 ? [newSet(ids, 'instance_attributes', id, params)] : []),
    ...(given.length > 0 ? [newSet(ids, 'meta_attributes', id, Object.fromEntries(given))] : []),
    newOperations(id, agent, operations, ids, hasNewRoleNames(cib)),
  ]);
}

/** A device that unfences a node has to say so. Pacemaker then waits for it when the node starts. */
function unfencing({ class: standard, actions }: Agent): Pairs {
  const unlocks = actions.some(
    ({ name, attributes }) =>
      name === 'on' && attributes['on_target'] === '1' && attributes['automatic'] === '1',
  );
  return standard === 'stonith' && unlocks ? { provides: 'unfencing' } : {};
}

/**
 * Changes a primitive in place, as pcs does. An operation replaces one of the same name and role.
 * @param readAgent is called only if the agent is needed
 * Faults: `id_exists`, `cluster_refused` with all that is wrong, those of readAgent.
 */
export async function updatePrimitive(
  { cib, ...surroundings }: Surroundings,
  primitive: EditableXml,
  readAgent: () => Promise<Agent>,
  options: ResourceOptions,
): Promise<void> {
  const { configuration } = surroundings;
  const { params, meta, operations } = withoutMasks(options);
  const id = primitive.attributes['id'] ?? '';
  const uses = usesOf(configuration, primitive);
  const replaced = operations.filter((each) => Object.keys(each.options).length > 0);
  if (Object.keys(params).length > 0 || replaced.length > 0) {
    const agent = await readAgent();
    const former = pairsIn(primitive, 'instance_attributes');
    const inherited = inheritedPairs(configuration, primitive, 'instance_attributes');
    refuse([
      ...problemsOfChangedParams({ ...surroundings, id, agent }, params, former, inherited),
      ...problemsOfOperations(agent, replaced),
    ]);
  }
  checkIdsOf(configuration, operations);
  setPairs(configuration, primitive, 'instance_attributes', params);
  setPairs(configuration, primitive, 'meta_attributes', meta);
  if (replaced.length > 0) {
    const { 'id-ref': reference } = childToEdit(primitive, 'operations').attributes;
    refuseReference(configuration, primitive, 'its operations', reference);
    const ids = idsIn(configuration);
    refuse(replaceOperations(primitive, replaced, ids, hasNewRoleNames(cib)));
  }
  for (const [user, part] of usesOf(configuration, primitive)) {
    if (part === uses.get(user)) continue;
    surroundings.warn(
      `${user} refers to a changed part (id-ref), so the change affects ${user} too.`,
    );
  }
}

function checkIdsOf(configuration: EditableXml, operations: readonly OperationOptions[]): void {
  for (const { options } of operations) {
    if (options['id']) checkIdIsFree(configuration, options['id']);
  }
}

/** A secret that comes back masked stays as it is. */
function withoutMasks(options: ResourceOptions): ResourceOptions {
  const params = Object.entries(options.params).filter(
    ([name, value]) => !(value === masked && isSecretName(name)),
  );
  return { ...options, params: Object.fromEntries(params) };
}
