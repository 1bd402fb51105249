import { join } from 'node:path';

import type * as z from 'zod';

import { balancerConfig, type BalancerConfig } from '../../../src/balancer/config.ts';
import {
  type BalancerParts,
  type BalancerService,
  makeBalancerDomain,
} from '../../../src/balancer/make.ts';
import { makeNoopNetworks } from '../../../src/balancer/network/noop.ts';
import type { Networks } from '../../../src/balancer/network/networks.ts';
import type { ProvisioningStatus } from '../../../src/balancer/objects.ts';
import { type SecretStore, idOfRef } from '../../../src/balancer/secrets/secrets.ts';
import { balancerMigrations } from '../../../src/balancer/tables.ts';
import type { NodeInterface } from '../../../src/controller/nodes/nodes.ts';
import { controllerMigrations } from '../../../src/controller/migrations.ts';
import { type LocalStore, openStore } from '../../../src/controller/store/open.ts';
import type { Store } from '../../../src/controller/store/store.ts';
import { vrrpMigrations } from '../../../src/controller/vrrp/tables.ts';
import type { NodeOutcome } from '../../../src/controller/vrrp/worker.ts';
import { freshStore } from '../controller/store.ts';
import { type NodesDouble, nodesDouble } from '../controller/nodes-double.ts';
import { keepingLog, type LoggedLine } from '../keeping-log.ts';
import { type HeldDeployer, heldDeployer } from './held-deployer.ts';

export interface TestBalancerOptions {
  networks?: Networks;
  secrets?: SecretStore;
  /** Keys of the section `balancer`. */
  config?: z.input<typeof balancerConfig>['balancer'];
  /** Its interfaces for each node; two nodes without any by default. */
  nodes?: readonly (readonly NodeInterface[])[];
  clock?: () => number;
  /** A store that was there before. */
  isReopened?: boolean;
  deployer?: HeldDeployer;
  unheard?: BalancerParts['unheard'];
  /** What the domain sees of the store. */
  seen?: (store: LocalStore) => Store;
}

/** The domain over a real store, with nodes in memory. */
export interface TestBalancer {
  domain: BalancerService;
  store: LocalStore;
  nodes: NodesDouble;
  deployer: HeldDeployer;
  config: BalancerConfig;
  lines: LoggedLine[];
  /** The nodes that were asked to run what the VRRP rows say. */
  applied: number[][];
  /** What keepalived of each node answers from now on. */
  onApply: (answer: (node: number) => NodeOutcome['result']) => void;
  /** Lets what is PENDING of a load balancer succeed. Later changes wait again if the deployer was holding. */
  finish: (balancer: string) => Promise<void>;
  /** Has both nodes refuse what is PENDING of a load balancer. */
  fail: (balancer: string) => Promise<void>;
  /** Writes a status into the rows, as no user can. */
  force: (balancer: string, status: ProvisioningStatus) => Promise<void>;
  /** Ends the domain and the store. */
  stop: () => Promise<void>;
}

const migrations = [...controllerMigrations, ...vrrpMigrations, ...balancerMigrations];
const settleMs = 200_000;

/**
 * Makes and starts a domain. Networks are noop, and secrets are whatever is named, unless a test has others.
 * All deployments succeed at once; call `deployer.hold()` to have them wait for `finish` or `fail`.
 */
export async function makeTestBalancer(
  folder: string,
  options: TestBalancerOptions = {},
): Promise<TestBalancer> {
  const at = join(folder, 'state');
  const store =
    options.isReopened === true
      ? await openStore({ folder: at, migrations })
      : await freshStore(at, migrations);
  const nodes = nodesDouble();
  for (const [index, interfaces] of (options.nodes ?? [[], []]).entries())
    nodes.add(`n${index + 1}`, interfaces);
  const deployer = options.deployer ?? heldDeployer();
  const config = balancerConfig.parse({ balancer: options.config ?? {} }).balancer;
  const { log, lines } = keepingLog();
  const applied: number[][] = [];
  let vrrpAnswer: (node: number) => NodeOutcome['result'] = () => 'running';
  const domain = makeBalancerDomain({
    store: options.seen?.(store) ?? store,
    registry: nodes.registry,
    links: nodes.links,
    worker: {
      apply(ids) {
        applied.push([...ids]);
        return Promise.resolve(
          ids.map((node) => {
            const result = vrrpAnswer(node);
            return {
              node,
              result,
              why: result === 'running' ? undefined : `Node ${node}: ${result}.`,
            };
          }),
        );
      },
      orders: () => Promise.resolve(new Map()),
      trouble: () => undefined,
    },
    deployer,
    carriers: { carries: () => true, amphoraOf: () => undefined, trouble: () => undefined },
    networks: options.networks ?? makeNoopNetworks(),
    secrets: options.secrets ?? anySecrets(),
    segments: [],
    config,
    log,
    ...(options.clock && { clock: options.clock }),
    ...(options.unheard && { unheard: options.unheard }),
  });
  await domain.start();

  async function settle(balancer: string): Promise<void> {
    if (!(await domain.loadBalancers.settled(balancer, settleMs)))
      throw new Error(`load balancer ${balancer} is still PENDING after ${settleMs / 1000} s`);
  }

  async function answered(balancer: string, work: () => void): Promise<void> {
    const row = await store.one('SELECT change_turn FROM balancer_jobs WHERE load_balancer = $1', [
      balancer,
    ]);
    if ((row?.['change_turn'] ?? null) === null) return;
    work();
    const isHeld = deployer.isHeld();
    deployer.release();
    await settle(balancer);
    if (isHeld) deployer.hold();
  }

  return {
    domain,
    store,
    nodes,
    deployer,
    config,
    lines,
    applied,
    onApply(answer) {
      vrrpAnswer = answer;
    },
    finish: (balancer) =>
      answered(balancer, () => {
        deployer.answer = 'running';
      }),
    async fail(balancer) {
      await answered(balancer, () => {
        deployer.answer = 'refused';
      });
      deployer.answer = 'running';
    },
    async force(balancer, status) {
      await store.write((transaction) =>
        transaction.run('UPDATE balancer_load_balancers SET provisioning = $1 WHERE id = $2', [
          status,
          balancer,
        ]),
      );
    },
    async stop() {
      deployer.release();
      await domain.stop();
      await store.close();
    },
  };
}

/** The id of each certificate that comes with a listener. */
export const secretOfTest = '5ec4e700-0000-4000-8000-000000000001';

/** Secrets that are all there, except those that are named. */
export function anySecrets(missing: ReadonlySet<string> = new Set()): SecretStore {
  return {
    has: (_reading, ref) => Promise.resolve(!missing.has(ref)),
    add: () => Promise.resolve(secretOfTest),
    read: (_reading, refs) =>
      Promise.resolve(
        new Map(
          [...refs]
            .filter((ref) => !missing.has(ref))
            .map((ref) => [ref, { id: idOfRef(ref) ?? ref, pem: `PEM of ${ref}` }]),
        ),
      ),
    list: () => Promise.resolve([]),
    put: (_transaction, id) =>
      Promise.resolve({
        id,
        fingerprint: '00',
        subject: 'CN=test',
        names: [],
        expiresAt: '2100-01-01T00:00:00Z',
        updatedAt: '2100-01-01T00:00:00Z',
      }),
    remove: () => Promise.resolve(true),
  };
}
