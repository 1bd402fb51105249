import type { NewPolicy, NewRule } from '../../../balancer/domain.ts';
import {
  compareTypes,
  policyActions,
  type PolicySettings,
  type RuleSettings,
  ruleTypes,
} from '../../../balancer/objects.ts';
import {
  listOf,
  named,
  objectOf,
  orDefault,
  orNull,
  type ReadValues,
  required,
} from './attribute.ts';
import { described, describedChangeOf, maxInt, newDescribedOf } from './common.ts';
import { newPoolOf, poolInTree } from './pool.ts';
import { checkRule, redirectTarget } from './texts.ts';
import { flag, oneOf, textUpTo, uuid, wholeNumber } from './values.ts';
import { Wrong } from './wrong.ts';

// L7 policies and their rules. The attributes are in the order in which the recorded service checked them.

export const ruleChange = {
  type: oneOf(ruleTypes),
  compare_type: oneOf(compareTypes),
  key: orNull(textUpTo(255)),
  value: textUpTo(255, 1),
  invert: orDefault(flag, false),
};

export const newRule = {
  id: uuid,
  ...ruleChange,
  type: required(ruleChange.type),
  compare_type: required(ruleChange.compare_type),
  value: required(ruleChange.value),
};

/** @throws {Wrong} if the parts that were sent cannot go together */
export function checkNewRule(values: ReadValues<typeof newRule>): void {
  checkRule({ ...values, compareType: values.compare_type, key: values.key ?? null });
}

/** @throws {Wrong} if the value is no expression of the kind that was sent with it */
export function checkRuleChange({
  compare_type: compareType,
  value,
}: ReadValues<typeof ruleChange>): void {
  if (compareType === undefined || value === undefined) return;
  checkRule({ type: 'PATH', compareType, key: null, value });
}

const redirects = {
  redirect_pool_id: orNull(uuid),
  redirect_url: orNull(redirectTarget),
  redirect_prefix: orNull(redirectTarget),
};
const position = wholeNumber(1, maxInt);

export const policyChange = { ...described, action: oneOf(policyActions), ...redirects, position };

export const newPolicy = {
  id: uuid,
  ...described,
  action: required(oneOf(policyActions)),
  ...redirects,
  position,
  redirect_pool: poolInTree,
  l7rules: orDefault(
    listOf(
      named(
        'NewL7Rule',
        objectOf(newRule, (values) => {
          checkNewRule(values);
          return values;
        }),
      ),
    ),
    [],
  ),
};

/** @throws {Wrong} if the target of the action is missing */
export function checkNewPolicy(values: ReadValues<typeof newPolicy>): void {
  const { action } = values;
  if (action === 'REDIRECT_TO_URL' && !values.redirect_url) throw targetless('redirect_url');
  if (action === 'REDIRECT_PREFIX' && !values.redirect_prefix) throw targetless('redirect_prefix');
  if (action === 'REDIRECT_TO_POOL' && !values.redirect_pool_id && !values.redirect_pool)
    throw targetless('redirect_pool_id or redirect_pool');
}

function targetless(target: string): Wrong {
  return new Wrong(`Invalid L7 Policy arguments: ${target} must not be None`);
}

export function newRuleOf(values: ReadValues<typeof newRule>): NewRule {
  return {
    id: values.id,
    type: values.type,
    compareType: values.compare_type,
    key: values.key ?? null,
    value: values.value,
    isInverted: values.invert ?? false,
  };
}

export function ruleChangeOf(values: ReadValues<typeof ruleChange>): Partial<RuleSettings> {
  const { type, compare_type: compareType, key, value, invert } = values;
  return {
    ...(type !== undefined && { type }),
    ...(compareType !== undefined && { compareType }),
    ...(key !== undefined && { key }),
    ...(value !== undefined && { value }),
    ...(invert !== undefined && { isInverted: invert }),
  };
}

/** The action wins over redirects that do not belong to it. */
export function newPolicyOf(values: ReadValues<typeof newPolicy>): NewPolicy {
  const { action, redirect_pool: pool, redirect_pool_id: poolId } = values;
  const isToPool = action === 'REDIRECT_TO_POOL';
  return {
    id: values.id,
    ...newDescribedOf(values),
    action,
    redirectPool: isToPool && !pool ? (poolId ?? null) : null,
    redirectUrl: action === 'REDIRECT_TO_URL' ? (values.redirect_url ?? null) : null,
    redirectPrefix: action === 'REDIRECT_PREFIX' ? (values.redirect_prefix ?? null) : null,
    position: values.position,
    rules: (values.l7rules ?? []).map(newRuleOf),
    newRedirectPool: isToPool && pool ? newPoolOf(pool) : undefined,
  };
}

/** A redirect without an action means the action that it belongs to. */
export function policyChangeOf(values: ReadValues<typeof policyChange>): Partial<PolicySettings> {
  const { redirect_pool_id: pool, redirect_url: url, redirect_prefix: prefix } = values;
  const action = values.action ?? actionOf(pool, url, prefix);
  const { position: wanted } = values;
  return {
    ...describedChangeOf(values),
    ...(action !== undefined && { action }),
    ...(pool !== undefined && { redirectPool: pool }),
    ...(url !== undefined && { redirectUrl: url }),
    ...(prefix !== undefined && { redirectPrefix: prefix }),
    ...(wanted !== undefined && { position: wanted }),
  };
}

type Target = string | null | undefined;

function actionOf(pool: Target, url: Target, prefix: Target): PolicySettings['action'] | undefined {
  if (pool) return 'REDIRECT_TO_POOL';
  if (url) return 'REDIRECT_TO_URL';
  return prefix ? 'REDIRECT_PREFIX' : undefined;
}
