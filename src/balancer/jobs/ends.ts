import type { Store, Transaction } from '../../controller/store/store.ts';
import type { NodeDeployed } from '../deploying.ts';
import { releasePort } from '../network/booking.ts';
import { addLeaving } from '../placing/placements.ts';
import { endDegraded, endDeleted, endDone, endFailed } from '../state/ending.ts';

/** The first wait before a repetition, and the longest one, in milliseconds. */
export const backOff = { firstMs: 1000, maxMs: 60_000 };

/** @param attempts how often it was tried */
export function waitAfter(attempts: number): number {
  return Math.min(backOff.firstMs * 2 ** Math.max(0, attempts - 1), backOff.maxMs);
}

/** A job as its row says. */
export interface Job {
  balancer: string;
  /** The change that has the lock; undefined if nothing is PENDING. */
  changeTurn: number | undefined;
  deadlineMs: number | undefined;
  attempts: number;
  nextTryMs: number | undefined;
  why: string | undefined;
}

export async function readJob(reading: Pick<Store, 'one'>, id: string): Promise<Job | undefined> {
  const row = await reading.one('SELECT * FROM balancer_jobs WHERE load_balancer = $1', [id]);
  if (row === undefined) return undefined;
  const number = (column: string) => {
    const value = row[column] ?? null;
    return value === null ? undefined : Number(value);
  };
  return {
    balancer: id,
    changeTurn: number('change_turn'),
    deadlineMs: number('deadline_ms'),
    attempts: Number(row['attempts']),
    nextTryMs: number('next_try_ms'),
    why: row['why'] === null || row['why'] === undefined ? undefined : String(row['why']),
  };
}

/** What an attempt has come to. */
export interface Outcome {
  /** The turns that were tried. */
  turns: readonly number[];
  /** Why they are not on the nodes, in one sentence; undefined if they are. */
  why: string | undefined;
  nodes: readonly NodeDeployed[];
  fence: number;
}

/** Ends the change that has the lock, or notes what a repetition has come to. @returns whether anything is still open */
export async function endAttempt(
  transaction: Transaction,
  job: Job,
  { turns, why, nodes, fence }: Outcome,
  now: number,
): Promise<boolean> {
  const { balancer, changeTurn } = job;
  const isChange = changeTurn !== undefined && (await hasLock(transaction, job));
  if (why === undefined) {
    await endDone(transaction, { balancer, turns, isChange });
    await notePlacements(transaction, balancer, nodes, fence);
    if (nodes.some(({ result }) => result !== 'running')) await endDegraded(transaction, balancer);
    await transaction.run('UPDATE balancer_load_balancers SET vrrp_due = NULL WHERE id = $1', [
      balancer,
    ]);
  } else if (isChange) await endFailed(transaction, balancer, changeTurn);
  return closeJob(transaction, { job, why, now, hasProgressed: why === undefined });
}

/** Whether the lock is still that of a job's change. It may have ended at its deadline, and another one may have come. */
async function hasLock(transaction: Transaction, job: Job): Promise<boolean> {
  return (await readJob(transaction, job.balancer))?.changeTurn === job.changeTurn;
}

/** Writes down which nodes have what was deployed last. */
export async function notePlacements(
  transaction: Transaction,
  balancer: string,
  nodes: readonly NodeDeployed[],
  fence: number,
): Promise<void> {
  for (const { node, result, why, digest } of nodes) {
    const isThere = result === 'running';
    // An order that is later than this one is not on the node yet, whatever this one has come to.
    await transaction.run(
      `UPDATE balancer_placements SET why = $1${isThere ? ', deployed = $4, digest = $5' : ''}
       WHERE load_balancer = $2 AND node = $3${isThere ? ' AND (deployed IS NULL OR deployed <= $4)' : ''}`,
      [
        isThere ? null : (why ?? 'The node does not answer.'),
        balancer,
        node,
        ...(isThere ? [fence, digest ?? ''] : []),
      ],
    );
  }
}

async function closeJob(
  transaction: Transaction,
  {
    job,
    why,
    now,
    hasProgressed,
  }: { job: Job; why: string | undefined; now: number; hasProgressed: boolean },
): Promise<boolean> {
  const { balancer, changeTurn } = job;
  const row = await readJob(transaction, balancer);
  // A change that came during a repetition has the lock now, and is carried out next.
  const isWaiting = row?.changeTurn !== undefined && row.changeTurn !== changeTurn;
  const open = await openReason(transaction, balancer);
  if (open === undefined && !isWaiting) {
    await transaction.run('DELETE FROM balancer_jobs WHERE load_balancer = $1', [balancer]);
    return false;
  }
  // What has failed before waits as long as it did, however many changes come.
  const isRepeated = changeTurn === undefined;
  const attempts =
    hasProgressed && !isRepeated && job.attempts > 0 ? job.attempts : job.attempts + 1;
  await transaction.run(
    `UPDATE balancer_jobs SET attempts = $1, next_try_ms = $2, why = $3,
       change_turn = CASE WHEN change_turn = $4 THEN NULL ELSE change_turn END WHERE load_balancer = $5`,
    [attempts, now + waitAfter(attempts), why ?? open ?? null, changeTurn ?? null, balancer],
  );
  return true;
}

/** Why something of a load balancer is not as wanted; undefined if everything is. */
async function openReason(transaction: Transaction, balancer: string): Promise<string | undefined> {
  const behind = await transaction.one(
    'SELECT why FROM balancer_placements WHERE load_balancer = $1 AND why IS NOT NULL ORDER BY rank LIMIT 1',
    [balancer],
  );
  if (behind) return String(behind['why']);
  const tables = ['listeners', 'pools', 'members', 'monitors', 'policies', 'rules'].map(
    (name) => `SELECT turn FROM balancer_${name} WHERE load_balancer = $1 AND turn IS NOT NULL`,
  );
  const open = await transaction.one(
    `SELECT turn FROM balancer_load_balancers WHERE id = $1 AND turn IS NOT NULL
     UNION ALL ${tables.join(' UNION ALL ')} LIMIT 1`,
    [balancer],
  );
  if (open === undefined) return undefined;
  const job = await transaction.one('SELECT why FROM balancer_jobs WHERE load_balancer = $1', [
    balancer,
  ]);
  return String(job?.['why'] ?? 'An earlier change is not on its nodes yet.');
}

/** Ends the deletion of a load balancer: its address and its quota are free. */
export async function endDeletion(
  transaction: Transaction,
  balancer: string,
  nodes: readonly NodeDeployed[],
  now: number,
): Promise<void> {
  for (const { node, result } of nodes) {
    if (result !== 'running') await addLeaving(transaction, balancer, node);
    else
      await transaction.run(
        'DELETE FROM balancer_leavings WHERE load_balancer = $1 AND node = $2',
        [balancer, node],
      );
  }
  await transaction.run('DELETE FROM balancer_placements WHERE load_balancer = $1', [balancer]);
  await transaction.run('DELETE FROM balancer_jobs WHERE load_balancer = $1', [balancer]);
  await transaction.run(
    'UPDATE balancer_load_balancers SET pair = NULL, vrrp_due = NULL WHERE id = $1',
    [balancer],
  );
  await releasePort(transaction, balancer);
  await endDeleted(transaction, balancer, now);
}

/** Notes that a deletion has failed. */
export async function endFailedDeletion(
  transaction: Transaction,
  job: Job,
  why: string,
  now: number,
): Promise<void> {
  if (job.changeTurn !== undefined && (await hasLock(transaction, job)))
    await endFailed(transaction, job.balancer, job.changeTurn);
  await closeJob(transaction, { job, why, now, hasProgressed: false });
}
