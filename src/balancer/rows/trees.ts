import type { ListenerTree, LoadBalancerTree, PolicyTree, PoolTree } from '../domain.ts';
import type { BalancerRows } from './find.ts';
import {
  listenerOf,
  loadBalancerOf,
  memberOf,
  monitorOf,
  policyOf,
  poolOf,
  ruleOf,
  settingsOf,
} from './objects.ts';

/** The visible objects of a load balancer as trees. Pure. */
export interface Trees {
  whole(): LoadBalancerTree;
  listener(id: string): ListenerTree | undefined;
  pool(id: string): PoolTree | undefined;
  policy(id: string): PolicyTree | undefined;
  /** Pools that no listener and no policy uses. */
  otherPools(): PoolTree[];
}

export function treesOf(rows: BalancerRows): Trees {
  const pool = (id: string): PoolTree | undefined => {
    const row = rows.pools.find((each) => each['id'] === id);
    if (row === undefined) return undefined;
    const monitor = rows.monitors.find((each) => each['pool'] === id);
    return {
      pool: poolOf(row),
      members: rows.members.filter((each) => each['pool'] === id).map(memberOf),
      monitor: monitor && monitorOf(monitor),
    };
  };
  const policy = (id: string): PolicyTree | undefined => {
    const row = rows.policies.find((each) => each['id'] === id);
    if (row === undefined) return undefined;
    const { redirectPool } = settingsOf('policy', row);
    return {
      policy: policyOf(row),
      rules: rows.rules.filter((each) => each['policy'] === id).map(ruleOf),
      redirectPool: redirectPool === null ? undefined : pool(redirectPool),
    };
  };
  const listener = (id: string): ListenerTree | undefined => {
    const row = rows.listeners.find((each) => each['id'] === id);
    if (row === undefined) return undefined;
    const { defaultPool } = settingsOf('listener', row);
    return {
      listener: listenerOf(row),
      defaultPool: defaultPool === null ? undefined : pool(defaultPool),
      policies: rows.policies
        .filter((each) => each['listener'] === id)
        .flatMap((each) => policy(String(each['id'])) ?? [])
        .sort((a, b) => a.policy.position - b.policy.position),
    };
  };
  return {
    whole: () => ({
      loadBalancer: loadBalancerOf(rows.balancer),
      listeners: rows.listeners.flatMap((each) => listener(String(each['id'])) ?? []),
    }),
    listener,
    pool,
    policy,
    otherPools() {
      const used = new Set([
        ...rows.listeners.map((each) => settingsOf('listener', each).defaultPool),
        ...rows.policies.map((each) => settingsOf('policy', each).redirectPool),
      ]);
      return rows.pools
        .map((each) => String(each['id']))
        .filter((id) => !used.has(id))
        .flatMap((id) => pool(id) ?? []);
    },
  };
}
