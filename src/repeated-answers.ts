import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { Fault, systemErrorCode } from './errors.ts';
import { createFile, readTextIfThere, replaceFile } from './files.ts';

/** An answer as it goes out. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A request that its caller gave a key (`Idempotency-Key`). */
export interface KeyedRequest {
  caller: string;
  key: string;
  /** All that tells it from other requests. */
  request: string;
}

/**
 * Lets a request that is repeated, because its answer was lost, be carried out once.
 *
 * INVARIANTS
 * - Of requests of one caller with one key, one is carried out; the others get its answer, at once or
 *   when it is there, for a day.
 * - What ended in a fault may be asked for again.
 * - A request that the agent began and did not end, for it was killed, is not begun again.
 */
export interface RepeatedAnswers {
  /** Faults: `idempotency_key_reused`, `outcome_unknown`, those of `make`. */
  once(request: KeyedRequest, make: () => Promise<Answer>): Promise<Answer>;
}

const keepMs = 24 * 3600 * 1000;

const schema = z.object({
  request: z.string(),
  answer: z
    .object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() })
    .optional(),
});

/** @param folder for a file a request; made when it is needed */
export function openRepeatedAnswers(folder: string): RepeatedAnswers {
  const underWay = new Map<string, { request: string; answer: Promise<Answer> }>();

  async function begin(path: string, request: string): Promise<Answer | undefined> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await removeOld(folder);
    try {
      await createFile(path, JSON.stringify({ request }), 0o600);
      return undefined;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    const known = schema.parse(JSON.parse((await readTextIfThere(path)) ?? '{}'));
    if (known.request !== request) throw reused();
    if (known.answer) return known.answer;
    throw new Fault(
      'outcome_unknown',
      'A request with this Idempotency-Key was begun, but the agent was ended before it answered. See in the audit log and in the configuration what became of it; to do it again, take another key.',
    );
  }

  return {
    async once({ caller, key, request: content }, make) {
      const name = digestOf(`${caller}\0${key}`);
      const request = digestOf(content);
      const running = underWay.get(name);
      if (running) {
        if (running.request !== request) throw reused();
        return running.answer;
      }
      const path = join(folder, `${name}.json`);
      const answer = (async () => {
        const known = await begin(path, request);
        if (known) return known;
        try {
          const made = await make();
          await replaceFile(path, JSON.stringify({ request, answer: made }), 0o600);
          return made;
        } catch (error) {
          if (error instanceof Fault) await rm(path, { force: true });
          throw error;
        }
      })();
      underWay.set(name, { request, answer });
      try {
        return await answer;
      } finally {
        underWay.delete(name);
      }
    },
  };
}

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > keepMs) await rm(path, { force: true });
  }
}

/** Not the words themselves: a body may hold a secret, and a key any sign. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function reused(): Fault {
  return new Fault(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request within a day. Take a new key for each change.',
  );
}
