import type { KnownBalancer } from '../deploying.ts';

/** When load balancers were last changed, as far as heartbeats have to show it. */
export interface Settling {
  /** By the clock. */
  settledAt(balancer: KnownBalancer): number;
  /** Forgets those that are not there any more. */
  keepOnly(balancers: readonly KnownBalancer[]): void;
}

interface Seen {
  signature: string;
  at: number;
}

/** A heartbeat that was made before a change cannot show what the change has made. */
export function makeSettling(now: () => number): Settling {
  const seen = new Map<string, Seen>();
  // A store gives the same objects until something changes.
  const signatures = new WeakMap<KnownBalancer, string>();
  let former: readonly KnownBalancer[] | undefined;

  function signatureOf(balancer: KnownBalancer): string {
    const known = signatures.get(balancer);
    if (known !== undefined) return known;
    const { isEnabled, provisioning, nodes, listeners, pools } = balancer;
    const signature = JSON.stringify([
      ...[isEnabled, provisioning, nodes],
      listeners.map((each) => [each.id, each.isEnabled]),
      pools.map((pool) => [
        ...[pool.id, pool.isEnabled],
        pool.members.map((each) => [each.id, each.isEnabled]),
      ]),
    ]);
    signatures.set(balancer, signature);
    return signature;
  }

  return {
    settledAt(balancer) {
      const signature = signatureOf(balancer);
      const last = seen.get(balancer.id);
      if (last?.signature === signature) return last.at;
      const at = now();
      seen.set(balancer.id, { signature, at });
      return at;
    },
    keepOnly(balancers) {
      if (balancers === former) return;
      former = balancers;
      const present = new Set(balancers.map(({ id }) => id));
      for (const id of seen.keys()) if (!present.has(id)) seen.delete(id);
    },
  };
}
