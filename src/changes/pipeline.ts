import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import { maskArgv } from '../kit/secrets/masking.ts';
import type { AuditEntry, AuditLog } from './audit/audit.ts';
import type { Change, ChangeRequest, ChangeResult, DryRun } from './change.ts';
import type { Lock } from './lock.ts';

/** Makes the changes of all families, one after another. The audit log records the beginning and the end of each. */
export interface ChangePipeline {
  /**
   * Makes a change after those that were requested before it.
   * Faults: `too_many_changes`, `stopping`, `stack_busy`, `audit_failed`, `no_space`, those of the change. A change that
   * was made but cannot be recorded is no fault; the result has a warning.
   */
  make<T>(request: ChangeRequest, change: Change<T>): Promise<ChangeResult<T>>;
  /**
   * Returns what a change would do. Nothing is changed, and it does not wait for other changes.
   * Faults: `cannot_be_tried`, those of the change.
   */
  try(request: ChangeRequest, change: Change<unknown>): Promise<DryRun>;
  /**
   * Starts no further change, and refuses those that are queued with `stopping`.
   * @returns when no change is running, and after `maxStopMs` at the latest
   */
  stop(): Promise<void>;
  maxStopMs: number;
}

export interface PipelineParts {
  lock: Lock;
  audit: AuditLog;
  secrets: KnownSecrets;
  run: Run;
  /** Milliseconds that one change may take. */
  changeDeadlineMs: number;
}

/** The data of the last change for the record and the answer. */
const extraStopMs = 10_000;

export function makeChangePipeline(parts: PipelineParts): ChangePipeline {
  const { lock, audit, secrets } = parts;
  const maxStopMs = parts.changeDeadlineMs + extraStopMs;
  const inProgress = new Set<string>();
  const stopping = new AbortController();

  /** @returns the result, and what to do when the next change may run */
  async function carryOut<T>(
    request: ChangeRequest,
    change: Change<T>,
  ): Promise<() => Promise<ChangeResult<T>>> {
    const attempt = change.begin(request);
    await attempt.admit?.();
    const id = randomUUID();
    const recorded = audit.record({ id, ...request.request, outcome: 'begun' });
    // The attempt may await it later.
    recorded.catch(() => undefined);
    const { run, commands } = recordingRun(parts.run);
    const warnings: string[] = [];
    const warn = (text: string) => warnings.push(text);

    const end = async (outcome: AuditEntry['outcome']) => {
      const { before, after, changes = [] } = (await attempt.ended?.(outcome)) ?? {};
      const entry: AuditEntry = {
        id,
        ...request.request,
        outcome,
        commands: secrets.maskJson(commands),
        before,
        after,
        ...(changes.length > 0 && { changes: secrets.maskJson(changes) }),
      };
      try {
        await audit.recordEnd(entry);
      } catch {
        // The change was made, so its result must not be a fault. Its beginning is recorded.
        warn('The end of this change could not be recorded in the audit log.');
      }
      return after;
    };

    let answer: T;
    try {
      answer = await attempt.carryOut({ id, run, recorded, warn });
    } catch (error) {
      await end(error instanceof Fault ? error.code : 'internal_error');
      throw error;
    }
    const version = await end('success');
    return async () => {
      const followed = await attempt.follow?.(stopping.signal);
      return {
        answer,
        version,
        settled: followed?.settled ?? true,
        asExpected: followed?.asExpected ?? true,
        warnings: [...warnings, ...(followed?.warnings ?? [])],
      };
    };
  }

  return {
    async make(request, change) {
      const { alone, isConcurrent = false } = change;
      if (alone !== undefined && inProgress.has(alone)) throw busy(alone);
      if (alone !== undefined) inProgress.add(alone);
      const work = () => carryOut(request, change);
      const follow = await (isConcurrent ? lock.runBeside(work) : lock.run(work)).finally(() => {
        if (alone !== undefined) inProgress.delete(alone);
      });
      return follow();
    },

    async try(request, change) {
      if (change.try) return change.try(request);
      throw new Fault(
        'cannot_be_tried',
        'Dry run is not supported for this request. Nothing was done; send it without a dry run to make the change.',
      );
    },

    async stop() {
      stopping.abort();
      await Promise.race([lock.stop(), sleep(maxStopMs, undefined, { ref: false })]);
    },

    maxStopMs,
  };
}

function busy(what: string): Fault {
  return new Fault(
    'stack_busy',
    `A ${what} is already in progress on this node. The list of services shows when it has ended.`,
  );
}

/** Collects the commands that were run, with their secrets masked. */
function recordingRun(run: Run): { run: Run; commands: string[][] } {
  const commands: string[][] = [];
  return {
    commands,
    run: (command) => {
      commands.push(maskArgv(command.argv));
      return run(command);
    },
  };
}
