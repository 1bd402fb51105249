import { orNull } from './attribute.ts';
import { flag, textUpTo } from './values.ts';
import { wrongValue } from './wrong.ts';

// What several documented objects have.

/** The max number of an INTEGER column that both stores have. */
export const maxInt = 2_147_483_647;

const name = orNull(textUpTo(255));
export const described = { name, description: name, enabled: flag };

const project = orNull(textUpTo(36));
/** Two names of one value. */
export const tenant = { project_id: project, tenant_id: project };

export interface TenantValues {
  project_id?: string | null;
  tenant_id?: string | null;
}

/**
 * @returns undefined if no tenant was sent
 * @throws {Wrong} if both names have different values
 */
export function projectIn({ project_id: one, tenant_id: other }: TenantValues): string | undefined {
  if (one && other && one !== other)
    throw wrongValue('tenant_id', other, 'Value should be that of project_id, or be left out');
  return one || other || undefined;
}

/** Checks the tenant of an object in a tree. */
export function withTenant<V extends TenantValues>(values: V): V {
  projectIn(values);
  return values;
}

interface DescribedValues {
  name?: string | null;
  description?: string | null;
  enabled?: boolean;
}

/** The values of a new object. */
export function newDescribedOf({ name: own = null, description = null, enabled }: DescribedValues) {
  return { name: own, description, isEnabled: enabled ?? true };
}

/** What was sent of a change. */
export function describedChangeOf({ name: own, description, enabled }: DescribedValues) {
  return {
    ...(own !== undefined && { name: own }),
    ...(description !== undefined && { description }),
    ...(enabled !== undefined && { isEnabled: enabled }),
  };
}
