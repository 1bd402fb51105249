import type { NodeLinks, NodeRegistry } from '../controller/nodes/nodes.ts';
import type { Store } from '../controller/store/store.ts';
import type { Segment } from '../controller/vrrp/segments.ts';
import type { VrrpWorker } from '../controller/vrrp/worker.ts';
import type { Log } from '../kit/log.ts';
import { makeListeners } from './changes/listeners.ts';
import { makeLoadBalancers } from './changes/load-balancers.ts';
import { makeMembers } from './changes/members.ts';
import { makeMonitors } from './changes/monitors.ts';
import { makeMoves } from './changes/moves.ts';
import { makePolicies } from './changes/policies.ts';
import { makePools } from './changes/pools.ts';
import { makeQuotas } from './changes/quotas.ts';
import { makeRules } from './changes/rules.ts';
import type { BalancerConfig } from './config.ts';
import type { Deployer, KnownBalancer, OperatingStore } from './deploying.ts';
import type { BalancerDomain } from './domain.ts';
import { makeJobs } from './jobs/jobs.ts';
import { makeCatchUp } from './jobs/catch-up.ts';
import { makeFreeAddresses } from './network/free-addresses.ts';
import type { Networks } from './network/networks.ts';
import { makePorts } from './network/ports.ts';
import { makeProber } from './network/probing.ts';
import type { Carriers } from './nodes/carriers.ts';
import { makeNodes } from './nodes/nodes.ts';
import { makeOrphans } from './nodes/orphans.ts';
import { makeHolding } from './placing/holding.ts';
import { makePlacer } from './placing/placing.ts';
import { makeSecretsDomain } from './secrets/domain.ts';
import type { SecretStore } from './secrets/secrets.ts';
import { makeOperatingState } from './state/operating.ts';
import { makeStatus } from './status/status.ts';

export interface BalancerParts {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  /** The worker that all families of the controller share. */
  worker: Pick<VrrpWorker, 'apply' | 'orders' | 'trouble'>;
  deployer: Deployer;
  /** Which nodes carry load balancers, and the ids of their amphorae. */
  carriers: Pick<Carriers, 'carries' | 'amphoraOf' | 'trouble'>;
  networks: Networks;
  secrets: SecretStore;
  segments: readonly Segment[];
  config: BalancerConfig;
  log: Log;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** When a node was last heard of a load balancer, in milliseconds of `performance.now()`; undefined if never. */
  heardAt?: (node: number, balancer: string) => number | undefined;
  /** Why its nodes are not heard of, one sentence for each. `placedAt` is a time of `performance.now()`. */
  unheard?: (balancer: Pick<KnownBalancer, 'nodes' | 'placedAt'>) => readonly string[];
}

/** The domain with what starts and ends it, and with what heartbeats need. */
export interface BalancerService extends BalancerDomain {
  operating: OperatingStore;
  /** To be called when a node has become one that carries load balancers. */
  onCarrier(): void;
  /** Goes on with all that was under way. */
  start(): Promise<void>;
  /** Begins nothing more, and waits for what is under way. */
  stop(): Promise<void>;
}

/** Makes the domain of load balancers over an open store. Nothing is brought onto a node before `start`. */
export function makeBalancerDomain(whole: BalancerParts): BalancerService {
  const { carries, amphoraOf } = whole.carriers;
  const parts = { ...whole, carries, amphoraOf };
  const { store, registry, networks, secrets, config, clock = Date.now } = parts;
  const operating = makeOperatingState(store, { clock });
  const placer = makePlacer(parts);
  const deadlineMs = config.change_timeout * 1000;
  const jobs = makeJobs({
    ...parts,
    placer,
    clock,
    deadlineMs,
    maxJobs: config.max_jobs,
    onEnded: (balancer) => {
      operating.forget(balancer);
      catchUp.look();
    },
  });
  const catchUp = makeCatchUp({ ...parts, jobs });
  const freeAddresses = makeFreeAddresses({ store, networks, prober: makeProber(parts) });
  const changes = {
    store,
    networks,
    freeAddresses,
    secrets,
    placer,
    defaultQuota: config.default_quota,
    clock,
    deadlineMs,
    onChanged(balancer: string) {
      operating.forget(balancer);
      jobs.kick(balancer);
    },
  };
  const status = makeStatus({ ...parts, clock });
  const holding = makeHolding({ ...parts, placer, clock });
  const moves = makeMoves({ ...changes, jobs, links: parts.links });

  return {
    loadBalancers: {
      ...makeLoadBalancers(changes),
      status,
      repair: moves.repair,
      failover: moves.failover,
      settled: (id, timeoutMs, signal) =>
        jobs.waiting.until(id.toLowerCase(), () => isSettled(store, id.toLowerCase(), clock()), {
          timeoutMs,
          signal,
        }),
    },
    listeners: makeListeners(changes),
    pools: makePools(changes),
    members: makeMembers(changes),
    monitors: makeMonitors(changes),
    policies: makePolicies(changes),
    rules: makeRules(changes),
    quotas: makeQuotas(store, config.default_quota),
    ports: makePorts({
      store,
      networks,
      clock,
      freeAddresses,
      ownedAddresses: async () => (await placer.ground()).owned,
    }),
    secrets: makeSecretsDomain({
      store,
      secrets,
      clock,
      redeploy: moves.redeploy,
      onChanged: (balancer) => {
        changes.onChanged(balancer);
      },
    }),
    nodes: makeNodes({ ...parts, moves }),
    orphans: makeOrphans({ ...parts, registry }),
    operating,
    onCarrier: () => {
      moves.fill();
    },
    async start() {
      await jobs.start();
      catchUp.start();
      holding.start();
      const draining = await store.all('SELECT node FROM balancer_draining ORDER BY node');
      for (const row of draining) moves.empty(Number(row['node']));
    },
    async stop() {
      catchUp.stop();
      holding.stop();
      moves.stop();
      await jobs.stop();
    },
  };
}

/** Whether nothing is PENDING, and nothing is tried again at this moment, as after a request to repair it. */
async function isSettled(store: Store, id: string, now: number): Promise<boolean> {
  const row = await store.one(
    `SELECT b.provisioning, j.next_try_ms FROM balancer_load_balancers b
     LEFT JOIN balancer_jobs j ON j.load_balancer = b.id WHERE b.id = $1`,
    [id],
  );
  const nextTry = row?.['next_try_ms'] ?? null;
  if (nextTry !== null && Number(nextTry) <= now) return false;
  return !String(row?.['provisioning'] ?? '').startsWith('PENDING');
}
