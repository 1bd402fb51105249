import type { BalancerDomain } from '../../balancer/domain.ts';
import type { Row } from '../../server/table/row.ts';
import { collectionRows } from './collection.ts';
import type { MakeChange } from './change.ts';
import { policyDocument, ruleDocument } from './documents/objects.ts';
import { policySchema, policyTreeSchema, ruleSchema } from './documents/schemas.ts';
import { policyTreeDocument } from './documents/trees.ts';
import { argument, orRefuse, pathId } from './fields/checking.ts';
import {
  checkNewPolicy,
  checkNewRule,
  checkRuleChange,
  newPolicy,
  newPolicyOf,
  newRule,
  newRuleOf,
  policyChange,
  policyChangeOf,
  ruleChange,
  ruleChangeOf,
} from './fields/policy.ts';
import { checkRule } from './fields/texts.ts';
import { ofListener, oneListener } from './listeners.ts';
import { sortKeys } from './lists.ts';

const ofPolicy = { l7policy: pathId('L7 Policy') };

/** The routes of L7 policies and of their rules. */
export function policyRows(domain: BalancerDomain, changing: MakeChange): Row[] {
  const { policies, rules } = domain;
  const path = `${oneListener}/l7policies`;
  return [
    ...collectionRows(domain, changing, {
      path,
      noun: 'L7 policy',
      a: 'an L7 policy',
      plural: 'L7 policies of a listener',
      above: ofListener,
      itself: ofPolicy,
      key: 'l7policy',
      sortKeys: sortKeys.policies,
      sent: {
        new: argument('l7policy', newPolicy, checkNewPolicy),
        change: argument('l7policy', policyChange),
      },
      schemas: { one: policySchema, created: policyTreeSchema },
      objects: policies,
      create: (sent, { scope, place, condition }) =>
        policies.create(scope, place, newPolicyOf(sent), condition),
      change: (id, sent, { scope, place, condition }) =>
        policies.change(scope, place, id, policyChangeOf(sent), condition),
      document: policyDocument,
      createdDocument: policyTreeDocument,
      createdId: ({ policy }) => policy.id,
    }),
    ...collectionRows(domain, changing, {
      path: `${path}/:l7policy/l7rules`,
      noun: 'L7 rule',
      a: 'a rule of an L7 policy',
      plural: 'rules of an L7 policy',
      above: { ...ofListener, ...ofPolicy },
      itself: { l7rule: pathId('L7 Rule') },
      key: 'l7rule',
      sortKeys: sortKeys.rules,
      sent: {
        new: argument('l7rule', newRule, checkNewRule),
        change: argument('l7rule', ruleChange, checkRuleChange),
      },
      schemas: { one: ruleSchema, created: ruleSchema },
      objects: rules,
      create: (sent, { scope, place, condition }) =>
        rules.create(scope, place, newRuleOf(sent), condition),
      async change(id, sent, { scope, place, condition }) {
        const before = await rules.get(scope, place, id);
        const change = ruleChangeOf(sent);
        // The parts must go together with those that stay.
        orRefuse(() => {
          checkRule({ ...before, ...change });
        });
        return rules.change(scope, place, id, change, condition);
      },
      document: ruleDocument,
      createdDocument: ruleDocument,
      createdId: ({ id }) => id,
    }),
  ];
}
