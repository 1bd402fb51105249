import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Row, Store, Transaction } from '../../controller/store/store.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import type { Deployer } from '../deploying.ts';
import { deletedMs } from '../rows/find.ts';
import { openRepetition } from '../state/changing.ts';
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
    await compare(node);
  }

  /** Finds what a node has lost while it was away, such as certificates with a reboot, and has it brought there again. */
  async function compare(node: number): Promise<void> {
    // Read before the node is asked: a change that ends meanwhile shows in the row.
    const rows = await store.all(
      `SELECT p.load_balancer, p.digest FROM balancer_placements p
       LEFT JOIN balancer_jobs j ON j.load_balancer = p.load_balancer
       WHERE p.node = $1 AND p.why IS NULL AND j.load_balancer IS NULL`,
      [node],
    );
    if (rows.length === 0) return;
    const running = await deployer.runningOn(node);
    const lost = rows.filter(
      (row) => (running.get(String(row['load_balancer'])) ?? '') !== row['digest'],
    );
    if (lost.length === 0) return;
    const opened = await store.write(async (transaction) => {
      const found: string[] = [];
      for (const row of lost) if (await noteLost(transaction, node, row)) found.push(idIn(row));
      return found;
    });
    for (const balancer of opened) jobs.kick(balancer);
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
      `SELECT l.load_balancer, l.node, b.fence FROM balancer_leavings l
       LEFT JOIN balancer_load_balancers b ON b.id = l.load_balancer ORDER BY l.node, l.load_balancer`,
    );
    if (rows.length === 0) return;
    const known = new Set((await registry.list()).map(({ id }) => id));
    for (const row of rows) {
      if (stopping.signal.aborted) return;
      const [balancer, node] = [idIn(row), Number(row['node'])];
      // It is asked when it answers again, so that it does not hold up the others.
      if (known.has(node) && !links.isReachable(node)) continue;
      // A node that is no longer registered has nothing of ours to lose.
      const fence = row['fence'] ?? null;
      const isGone =
        !known.has(node) ||
        (await withdrawn(balancer, node, fence === null ? null : Number(fence)));
      if (isGone) await drop(balancer, node);
    }
  }

  /** @param fence a load balancer that comes back to the node meanwhile has a higher one; null if it is forgotten */
  async function withdrawn(balancer: string, node: number, fence: number | null): Promise<boolean> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(withdrawMs)]);
    const { id, epoch } = store.identity;
    const fencing = fence === null ? undefined : { store: id, epoch, revision: fence };
    const outcomes = await deployer.withdraw(balancer, [node], signal, fencing).catch(() => []);
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

  /** @returns whether it is still as it was when the node was asked */
  async function noteLost(transaction: Transaction, node: number, row: Row): Promise<boolean> {
    const balancer = idIn(row);
    const why = `Node ${node} does not run what it was given last.`;
    const noted = await transaction.run(
      `UPDATE balancer_placements SET why = $1 WHERE load_balancer = $2 AND node = $3 AND digest = $4
         AND why IS NULL AND NOT EXISTS (SELECT 1 FROM balancer_jobs WHERE load_balancer = $2)`,
      [why, balancer, node, String(row['digest'])],
    );
    if (noted === 0) return false;
    await openRepetition(transaction, balancer, clock());
    return true;
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

function idIn(row: Row): string {
  return String(row['load_balancer']);
}
