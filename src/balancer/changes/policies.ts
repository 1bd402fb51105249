import type { Reading, Row, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, NewPolicy } from '../domain.ts';
import type { PolicySettings } from '../objects.ts';
import { findObject, findPlace, readTree } from '../rows/find.ts';
import { policyOf, wantedOf } from '../rows/objects.ts';
import { pageOf } from '../rows/pages.ts';
import { treesOf } from '../rows/trees.ts';
import { invalid, notFound } from '../sentences.ts';
import {
  adjustObject,
  changeObject,
  deleteObjects,
  pullIn,
  touchListeners,
  type Turn,
} from '../state/changing.ts';
import { add, type Adding, digestOf, findRepeated, projectOf } from './adding.ts';
import { type ChangeParts, changeIn, written } from './change.ts';
import { addPool, demandFit } from './pools.ts';
import { addRule } from './rules.ts';

/** Adds a policy with its rules, at its position among those of the listener. @returns its id */
export async function addPolicy(
  adding: Adding,
  listener: Row,
  wanted: NewPolicy,
  madeFrom?: string,
): Promise<string> {
  const { id, project, position, rules, newRedirectPool, ...given } = wanted;
  const claim = { id, project };
  const below = { ...adding, project: projectOf(claim, adding.project) };
  const { transaction } = adding;
  const others = await othersOf(transaction, String(listener['id']), undefined);
  const at = Math.min(position ?? others.length + 1, others.length + 1);
  const redirectPool = newRedirectPool ? await addPool(below, newRedirectPool) : given.redirectPool;
  const settings = cleared({ ...given, redirectPool, position: at });
  await demandPool(transaction, adding.balancer, settings, listener);
  const policy = await add(adding, 'policy', {
    claim,
    settings,
    keys: {
      listener: String(listener['id']),
      position: at,
      redirect_pool: settings.redirectPool,
    },
    madeFrom,
  });
  await renumber(transaction, adding, others, at);
  for (const each of rules) await addRule(below, policy, each);
  return policy;
}

/** The action decides which of the redirects stays. Faults: `balancer_invalid` if that is missing */
function cleared(settings: PolicySettings): PolicySettings {
  const { action } = settings;
  const next = {
    ...settings,
    redirectPool: action === 'REDIRECT_TO_POOL' ? settings.redirectPool : null,
    redirectUrl: action === 'REDIRECT_TO_URL' ? settings.redirectUrl : null,
    redirectPrefix: action === 'REDIRECT_PREFIX' ? settings.redirectPrefix : null,
  };
  if (action !== 'REJECT' && !next.redirectPool && !next.redirectUrl && !next.redirectPrefix) {
    const field = {
      REDIRECT_TO_POOL: 'redirect_pool_id',
      REDIRECT_TO_URL: 'redirect_url',
      REDIRECT_PREFIX: 'redirect_prefix',
    }[action];
    throw invalid(`Validation failure: An L7 policy with the action ${action} needs ${field}.`);
  }
  return next;
}

/** A redirect that is named without an action says what the action is. */
function merged(present: PolicySettings, change: Partial<PolicySettings>): PolicySettings {
  const named = Object.entries({
    REDIRECT_TO_POOL: change.redirectPool,
    REDIRECT_TO_URL: change.redirectUrl,
    REDIRECT_PREFIX: change.redirectPrefix,
  }).find(([, value]) => value !== undefined && value !== null);
  const action =
    change.action ?? (named?.[0] as PolicySettings['action'] | undefined) ?? present.action;
  return cleared({ ...present, ...change, action });
}

/** Faults: `balancer_object_not_found`, `balancer_conflict` */
async function demandPool(
  transaction: Transaction,
  balancer: string,
  { redirectPool }: PolicySettings,
  listener: Row,
): Promise<void> {
  if (redirectPool === null) return;
  const pool = await findObject(transaction, 'pool', balancer, redirectPool);
  if (pool['fate'] === 'delete') throw notFound('pool', redirectPool);
  demandFit(wantedOf('listener', listener).protocol, wantedOf('pool', pool).protocol);
}

/** The policies of a listener that stay, in order. @param own the id of one that is left out */
async function othersOf(
  reading: Reading,
  listener: string,
  own: string | undefined,
): Promise<Row[]> {
  const rows = await reading.all(
    'SELECT * FROM balancer_policies WHERE listener = $1 ORDER BY position, created_ms, id',
    [listener],
  );
  return rows.filter((row) => row['id'] !== own && row['fate'] !== 'delete');
}

/** Gives policies the numbers from 1 on. @param free a number that is left out */
async function renumber(
  transaction: Transaction,
  turn: Turn,
  rows: readonly Row[],
  free: number | undefined,
): Promise<void> {
  let position = 0;
  for (const row of rows) {
    position += 1;
    if (position === free) position += 1;
    if (Number(row['position']) === position) continue;
    await adjustObject(transaction, 'policy', turn, row, {
      settings: { position },
      keys: { position },
      isForced: false,
    });
  }
}

export function makePolicies(parts: ChangeParts): BalancerDomain['policies'] {
  const { store, clock } = parts;
  return {
    async list(scope, place, page) {
      const { listener } = await findPlace(store, scope, place, clock());
      const rows = await store.all(
        'SELECT * FROM balancer_policies WHERE listener = $1 ORDER BY created_ms, id',
        [idOf(listener)],
      );
      const policies = rows.map(policyOf).sort((a, b) => a.position - b.position);
      return pageOf(policies, page);
    },

    async get(scope, place, id) {
      const { balancer, listener } = await findPlace(store, scope, place, clock());
      const row = await findObject(store, 'policy', String(balancer['id']), id);
      return policyOf(demandIn(row, listener, id));
    },

    create: (scope, place, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const listener = await findObject(
          transaction,
          'listener',
          change.id,
          idOf(change.listener),
        );
        const madeFrom = digestOf('policy', String(listener['id']), wanted);
        const repeated = await findRepeated(transaction, 'policy', wanted, madeFrom);
        if (repeated) return treeOf(transaction, change.id, String(repeated['id']));
        const turn = await change.lock();
        const project = scope.tenant ?? String(change.balancer['project']);
        const adding: Adding = { ...turn, transaction, parts, project };
        const id = await addPolicy(adding, listener, wanted, madeFrom);
        await concernListener(transaction, turn, change.listener);
        return treeOf(transaction, change.id, id);
      }),

    change: (scope, place, id, wanted, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const listener = idOf(change.listener);
        const found = await findObject(transaction, 'policy', change.id, id);
        const row = demandIn(found, change.listener, id);
        const turn = await change.lock();
        const settings = merged(wantedOf('policy', row), wanted);
        const listenerRow = await findObject(transaction, 'listener', change.id, listener);
        await demandPool(transaction, change.id, settings, listenerRow);
        const own = String(row['id']);
        const others = await othersOf(transaction, listener, own);
        const position = Math.min(settings.position, others.length + 1);
        await changeObject(transaction, 'policy', turn, row, {
          settings: { ...settings, position },
          keys: { position, redirect_pool: settings.redirectPool },
        });
        await renumber(transaction, turn, others, position);
        await concernListener(transaction, turn, change.listener);
        return policyOf(await written(change, 'balancer_policies', own));
      }),

    remove: (scope, place, id, condition) =>
      changeIn(parts, { scope, place, condition }, async (change) => {
        const { transaction } = change;
        const found = await findObject(transaction, 'policy', change.id, id);
        const own = String(demandIn(found, change.listener, id)['id']);
        const turn = await change.lock();
        await deleteObjects(transaction, 'rule', turn, 'policy = $2', [own]);
        await deleteObjects(transaction, 'policy', turn, 'id = $2', [own]);
        const others = await othersOf(transaction, idOf(change.listener), own);
        await renumber(transaction, turn, others, undefined);
        await concernListener(transaction, turn, change.listener);
      }),
  };
}

async function treeOf(transaction: Transaction, balancer: string, policy: string) {
  const rows = await readTree(transaction, balancer);
  const tree = rows && treesOf(rows).policy(policy);
  if (tree === undefined) throw notFound('policy', policy);
  return tree;
}

async function concernListener(
  transaction: Transaction,
  turn: Turn,
  listener: Row | undefined,
): Promise<void> {
  await pullIn(transaction, 'listener', turn, idOf(listener));
  await touchListeners(transaction, new Set([idOf(listener)]));
}

function idOf(listener: Row | undefined): string {
  if (listener === undefined) throw new TypeError('the place of a policy names its listener');
  return String(listener['id']);
}

/** Faults: `balancer_object_not_found` for a policy of another listener */
function demandIn(row: Row, listener: Row | undefined, id: string): Row {
  if (row['listener'] !== idOf(listener)) throw notFound('policy', id);
  return row;
}
