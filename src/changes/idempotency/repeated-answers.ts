import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { makeFolder, orNoSpace, readFileIfThere, syncFolder } from '../../kit/files/files.ts';
import { readBoot, writeAnswer, writeNew } from './answer-file.ts';
import { type AnswerIndex, type AnswerLimits, type Known, readIndex } from './answer-index.ts';

/** A request that its caller gave a key. */
export interface KeyedRequest {
  caller: string;
  key: string;
  /** Everything that distinguishes it from other requests. */
  request: string;
}

/** What the store must know about answers, whose format belongs to their routes. It stores them as JSON. */
export interface AnswerForm<A> {
  /** @returns undefined if the JSON is not an answer */
  read(json: unknown): A | undefined;
  /** Whether the answer means that the request was carried out. */
  isSuccess(answer: A): boolean;
  /** The answer. If its content exceeds `maxBytes`, it is left out, and the answer says so. */
  shortened(answer: A, maxBytes: number): A;
  withWarning(answer: A, text: string): A;
}

/**
 * Carries out a request only once, even if its caller repeats it because the answer was lost.
 *
 * INVARIANTS
 * - Only one request of a caller with a given key is carried out. Repetitions get the same answer for a day. If the
 *   request is still running, they wait for its answer.
 * - A request that ended in a fault may be repeated.
 * - A success from before the last start of the node is not repeated. A node that was cut off from the cluster
 *   continues alone until it is fenced, and its changes are then lost.
 * - A request that was interrupted because the agent was killed is not carried out again.
 * - Before a request is carried out, room for its answer is reserved on the disk. If the answer still cannot be stored,
 *   it is sent, and is known as long as this process lives.
 * - At most `limits` answers are stored. A caller's own oldest answer is removed first, or the oldest of the caller
 *   with the largest number. An answer of a running request is never removed.
 */
export interface RepeatedAnswers<A> {
  /** Faults: `idempotency_key_reused`, `outcome_unknown`, `no_space` and nothing was done, those of `make`. */
  once(request: KeyedRequest, make: () => Promise<A>): Promise<A>;
}

const defaultLimits: AnswerLimits = { perCaller: 10_000, inAll: 20_000 };

const keepMs = 24 * 3600 * 1000;

/** Longer content is not stored, and the repeated answer says so. */
const maxContentBytes = 16 * 1024;
/** The number of bytes for the rest of an answer. */
const restBytes = 3 * 1024;
/** The max number of answers that are only in memory because no disk accepted them. */
const maxUnstored = 1000;

const headSchema = z.object({
  request: z.string(),
  /** Identifies the start of the node after which the request was begun. */
  boot: z.string(),
});

/**
 * A file has two lines of JSON: the digest of the request, and the answer. The second line is blank and long enough for
 * the answer, so writing the answer needs no further room.
 * @param folder for one file per request; created when it is needed
 */
export function openRepeatedAnswers<A>(
  folder: string,
  form: AnswerForm<A>,
  limits: AnswerLimits = defaultLimits,
  now = () => Date.now(),
): RepeatedAnswers<A> {
  const underWay = new Map<string, { request: string; answer: Promise<A> }>();
  let index: Promise<AnswerIndex<A>> | undefined;

  /** The folder is read once, because no other process writes there. */
  function loaded(): Promise<AnswerIndex<A>> {
    index ??= makeFolder(folder).then(() => readIndex(folder));
    index.catch(() => (index = undefined));
    return index;
  }

  /** @returns the existing answer, or undefined once there is room for one */
  async function begin(
    id: string,
    caller: string,
    content: string,
  ): Promise<{ answer: A } | { known: Known<A>; answers: AnswerIndex<A> }> {
    const answers = await loaded();
    for (const old of answers.older(now() - keepMs)) await remove(answers, old);
    const request = digestOf(content);
    const former = answers.get(id);
    if (former) return { answer: await answerIn(former, request) };
    for (const surplus of answers.surplus(caller, limits, (each) => underWay.has(each)))
      await remove(answers, surplus);
    const at = now();
    const known: Known<A> = { name: `${String(at).padStart(13, '0')}-${id}.answer`, caller, at };
    const path = join(folder, known.name);
    // Content that is JSON itself becomes longer inside JSON.
    const room = 2 * Math.min(Buffer.byteLength(content), maxContentBytes) + restBytes;
    try {
      const head = { request, boot: await readBoot() };
      await writeNew(path, `${JSON.stringify(head)}\n${' '.repeat(room)}`);
      await orNoSpace(folder, () => syncFolder(folder));
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
    answers.add(id, known);
    return { known, answers };
  }

  async function remove(answers: AnswerIndex<A>, id: string): Promise<void> {
    const known = answers.get(id);
    if (known === undefined) return;
    answers.remove(id);
    // On a read-only disk the file stays. The next start of the agent removes it.
    await rm(join(folder, known.name), { force: true }).catch(() => undefined);
  }

  /** Faults: `idempotency_key_reused`, `outcome_unknown` */
  async function answerIn({ name, answer }: Known<A>, request: string): Promise<A> {
    const text = (await readFileIfThere(join(folder, name)))?.toString('utf8') ?? '';
    const [head = '', stored = ''] = text.split('\n');
    const known = headSchema.safeParse(jsonOf(head));
    if (known.success && known.data.request !== request) throw reused();
    const saved = answer ?? form.read(jsonOf(stored));
    const isOfThisBoot = known.data?.boot === (await readBoot());
    if (saved && (answer || isOfThisBoot || !form.isSuccess(saved))) return saved;
    throw new Fault(
      'outcome_unknown',
      'A request with this idempotency key was begun, but its outcome is unknown: the agent ended before it answered, its disk was full, or the node was restarted since. Check the audit log and the configuration for the outcome. To make the change again, use another key.',
    );
  }

  /** The request was carried out already, so nothing here may fail. */
  async function store(known: Known<A>, answers: AnswerIndex<A>, made: A): Promise<A> {
    const storable = form.shortened(made, maxContentBytes);
    try {
      await writeAnswer(join(folder, known.name), JSON.stringify(storable));
      return made;
    } catch {
      known.answer = storable;
      answers.limitUnstored(maxUnstored);
      return form.withWarning(
        made,
        'The answer could not be stored on the disk. A repeated request gets it only until the agent is restarted.',
      );
    }
  }

  return {
    async once({ caller: name, key, request: content }, make) {
      const caller = digestOf(name).slice(0, 32);
      const id = `${caller}-${digestOf(`${name}\0${key}`).slice(0, 32)}`;
      const request = digestOf(content);
      const running = underWay.get(id);
      if (running) {
        if (running.request !== request) throw reused();
        return running.answer;
      }
      const answer = (async () => {
        const begun = await begin(id, caller, content);
        if ('answer' in begun) return begun.answer;
        const { known, answers } = begun;
        let made: A;
        try {
          made = await make();
        } catch (error) {
          if (error instanceof Fault) await remove(answers, id);
          throw error;
        }
        return store(known, answers, made);
      })();
      underWay.set(id, { request, answer });
      try {
        return await answer;
      } finally {
        underWay.delete(id);
      }
    },
  };
}

/** The texts themselves are not stored, because a body may contain a secret, and a key any character. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reused(): Fault {
  return new Fault(
    'idempotency_key_reused',
    'This idempotency key was used for another request less than a day ago. Use a new key for each change.',
  );
}
