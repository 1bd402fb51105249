import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Row, Store } from '../../controller/store/store.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import type { Deployer } from '../deploying.ts';
import { deletedMs } from '../rows/find.ts';
import type { Jobs } from './jobs.ts';
import { reopenLost } from './lost.ts';

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
  links: Pick<NodeLinks, 'isReachable' | 'isAnswering' | 'onWord' | 'word'>;
  deployer: Deployer;
  jobs: Jobs;
  log: Log;
  clock?: () => number;
}

const everyMs = 60_000;
const withdrawMs = 30_000;
const repeatLogAfterMs = 600_000;

/**
 * Has nodes that answer again run what they lack, without the rest of its wait, and what they have lost meanwhile. Removes
 * from nodes what has left them.
 */
export function makeCatchUp(parts: CatchUpParts): CatchUp {
  const { store, registry, links, deployer, jobs, log, clock = Date.now } = parts;
  const stopping = new AbortController();
  /** The boot of the agent of each node that answers. */
  const boots = new Map<number, string>();
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
    const lost = await reopenLost({ store, deployer }, node, clock());
    if (lost.length > 0)
      log.info({ node, count: lost.length }, 'a node has lost load balancers, which it gets again');
    for (const balancer of lost) jobs.kick(balancer);
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
      if (known.has(node) && !links.isAnswering(node)) continue;
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
        if (!links.isReachable(node)) {
          boots.delete(node);
          return;
        }
        const boot = links.word(node)?.report.boot ?? '';
        if (boots.get(node) === boot) return;
        boots.set(node, boot);
        orLog(onBack(node));
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
