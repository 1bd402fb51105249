import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Store } from '../../controller/store/store.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import type { Deployer } from '../deploying.ts';
import { deletedMs } from '../rows/find.ts';
import type { Jobs } from './jobs.ts';

/** What nodes lack that have not answered, and what is to go from them. */
export interface CatchUp {
  /** Looks soon whether something is to go from a node. */
  look(): void;
  start(): void;
  stop(): void;
}

export interface CatchUpParts {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'isReachable' | 'onWord'>;
  deployer: Deployer;
  jobs: Jobs;
  log: Log;
  clock?: () => number;
}

const everyMs = 60_000;
const withdrawMs = 30_000;
const repeatLogAfterMs = 600_000;

/**
 * Has nodes that answer again run what they lack, without the rest of its wait, and removes from nodes what has left them.
 */
export function makeCatchUp(parts: CatchUpParts): CatchUp {
  const { store, registry, links, deployer, jobs, log, clock = Date.now } = parts;
  const stopping = new AbortController();
  const reachable = new Map<number, boolean>();
  const isDue = makeLogLimit({ repeatAfterMs: repeatLogAfterMs });
  let isLooking = false;
  let isAgain = false;
  let unsubscribe: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function orLog(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (isDue(String(error)))
        log.warn({ error: String(error) }, 'what nodes lack could not be looked up');
    });
  }

  async function onBack(node: number): Promise<void> {
    const rows = await store.all(
      `SELECT p.load_balancer FROM balancer_placements p JOIN balancer_jobs j ON j.load_balancer = p.load_balancer
       WHERE p.node = $1`,
      [node],
    );
    jobs.hasten(rows.map((row) => String(row['load_balancer'])));
    look();
  }

  function look(): void {
    if (stopping.signal.aborted) return;
    if (isLooking) {
      isAgain = true;
      return;
    }
    isLooking = true;
    orLog(
      sweep().finally(() => {
        isLooking = false;
        if (!isAgain) return;
        isAgain = false;
        look();
      }),
    );
  }

  async function sweep(): Promise<void> {
    await forgetDeleted();
    const rows = await store.all(
      'SELECT load_balancer, node FROM balancer_leavings ORDER BY node, load_balancer',
    );
    if (rows.length === 0) return;
    const known = new Set((await registry.list()).map(({ id }) => id));
    for (const row of rows) {
      if (stopping.signal.aborted) return;
      const [balancer, node] = [String(row['load_balancer']), Number(row['node'])];
      // A node that is no longer registered has nothing of ours to lose.
      const isGone = !known.has(node) || (await withdrawn(balancer, node));
      if (isGone) await drop(balancer, node);
    }
  }

  async function withdrawn(balancer: string, node: number): Promise<boolean> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(withdrawMs)]);
    const outcomes = await deployer.withdraw(balancer, [node], signal).catch(() => []);
    return outcomes.some((each) => each.node === node && each.result === 'running');
  }

  async function drop(balancer: string, node: number): Promise<void> {
    await store.write((transaction) =>
      transaction.run('DELETE FROM balancer_leavings WHERE load_balancer = $1 AND node = $2', [
        balancer,
        node,
      ]),
    );
  }

  /** Removes the rows of load balancers that are no longer shown. */
  async function forgetDeleted(): Promise<void> {
    const before = clock() - deletedMs;
    const where = `provisioning = 'DELETED' AND deleted_ms <= $1`;
    const row = await store.one(`SELECT id FROM balancer_load_balancers WHERE ${where} LIMIT 1`, [
      before,
    ]);
    if (row === undefined) return;
    await store.write((transaction) =>
      transaction.run(`DELETE FROM balancer_load_balancers WHERE ${where}`, [before]),
    );
  }

  return {
    look,
    start() {
      unsubscribe = links.onWord((node) => {
        const isBack = links.isReachable(node);
        const wasThere = reachable.get(node);
        reachable.set(node, isBack);
        if (isBack && wasThere !== true) orLog(onBack(node));
      });
      timer = setInterval(look, everyMs);
      look();
    },
    stop() {
      unsubscribe?.();
      clearInterval(timer);
      stopping.abort();
    },
  };
}
