import type { Row, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, NewRule } from '../domain.ts';
import type { RuleSettings } from '../objects.ts';
import { findObject, findPlace } from '../rows/find.ts';
import { ruleOf, wantedOf } from '../rows/objects.ts';
import { pageOf } from '../rows/pages.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import {
  changeObject,
  deleteObjects,
  pullIn,
  touchListeners,
  type Turn,
} from '../state/changing.ts';
import { add, type Adding, digestOf, findRepeated } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';

/** Max number of rules of a policy. */
const maxRules = 50;
const withKey: readonly RuleSettings['type'][] = ['HEADER', 'COOKIE'];

/** Adds a rule to a policy. @returns its id */
export async function addRule(
  adding: Adding,
  policy: string,
  { id, project, ...settings }: NewRule,
  madeFrom?: string,
): Promise<string> {
  const counted = await adding.transaction.one(
    'SELECT COUNT(*) AS count FROM balancer_rules WHERE policy = $1',
    [policy],
  );
  if (Number(counted?.['count']) >= maxRules) throw taken(`Too many rules on L7 policy ${policy}`);
  return add(adding, 'rule', {
    claim: { id, project },
    settings: fitting(settings),
    keys: { policy },
    madeFrom,
  });
}

/** Only some types have a key, and the comparisons depend on the type. Faults: `balancer_invalid` */
function fitting(rule: RuleSettings): RuleSettings {
  const { type, compareType, key, value } = rule;
  if (type === 'FILE_TYPE' && compareType !== 'REGEX' && compareType !== 'EQUAL_TO')
    throw unfit('Invalid L7 Rule: invalid comparison type for rule type');
  if (withKey.includes(type) && (key === null || key === ''))
    throw unfit('Invalid L7 Rule: L7 rule type requires a key');
  if (compareType === 'REGEX') demandRegex(value);
  return { ...rule, key: withKey.includes(type) ? key : null };
}

function demandRegex(value: string): void {
  try {
    new RegExp(value);
  } catch (error) {
    throw unfit(`Unable to parse regular expression: ${(error as Error).message}`);
  }
}

function unfit(why: string): Error {
  return invalid(`Error parsing L7Rule: ${why}`);
}

export function makeRules(parts: ChangeParts): BalancerDomain['rules'] {
  const { store, clock } = parts;
  return {
    async list(scope, place, page) {
      const { policy } = await findPlace(store, scope, place, clock());
      const rows = await store.all(
        'SELECT * FROM balancer_rules WHERE policy = $1 ORDER BY created_ms, id',
        [idOf(policy)],
      );
      return pageOf(rows.map(ruleOf), page);
    },

    async get(scope, place, id) {
      const { balancer, policy } = await findPlace(store, scope, place, clock());
      const row = await findObject(store, 'rule', String(balancer['id']), id);
      return ruleOf(demandIn(row, policy, id));
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const policy = idOf(change.policy);
        const madeFrom = digestOf('rule', policy, wanted);
        const repeated = await findRepeated(transaction, 'rule', wanted, madeFrom);
        if (repeated) return ruleOf(repeated);
        const turn = await change.lock();
        const project = scope.tenant ?? String(change.balancer['project']);
        const adding: Adding = { ...turn, transaction, parts, project };
        const id = await addRule(adding, policy, wanted, madeFrom);
        await concernPolicy(transaction, turn, change.policy);
        return ruleOf(await written(change, 'balancer_rules', id));
      }),

    change: (scope, place, id, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const row = demandIn(
          await findObject(transaction, 'rule', change.id, id),
          change.policy,
          id,
        );
        const turn = await change.lock();
        const settings = fitting({ ...wantedOf('rule', row), ...wanted });
        await changeObject(transaction, 'rule', turn, row, { settings });
        await concernPolicy(transaction, turn, change.policy);
        return ruleOf(await written(change, 'balancer_rules', String(row['id'])));
      }),

    remove: (scope, place, id, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const row = demandIn(
          await findObject(transaction, 'rule', change.id, id),
          change.policy,
          id,
        );
        const turn = await change.lock();
        await deleteObjects(transaction, 'rule', turn, 'id = $2', [String(row['id'])]);
        await concernPolicy(transaction, turn, change.policy);
      }),
  };
}

/** Tries a failed policy and its listener again with a change below, and shows the change on the listener. */
async function concernPolicy(
  transaction: Transaction,
  turn: Turn,
  policy: Row | undefined,
): Promise<void> {
  const listener = String(policy?.['listener']);
  await pullIn(transaction, 'policy', turn, idOf(policy));
  await pullIn(transaction, 'listener', turn, listener);
  await touchListeners(transaction, new Set([listener]));
}

function idOf(policy: Row | undefined): string {
  if (policy === undefined) throw new TypeError('the place of a rule names its policy');
  return String(policy['id']);
}

/** Faults: `balancer_object_not_found` for a rule of another policy */
function demandIn(row: Row, policy: Row | undefined, id: string): Row {
  if (row['policy'] !== idOf(policy)) throw notFound('rule', id);
  return row;
}
