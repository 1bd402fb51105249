import type { Change, Followed } from '../../changes/change.ts';
import type { RepeatedAnswers } from '../../changes/idempotency/repeated-answers.ts';
import type { Fault } from '../../kit/fault.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import type { Call, DescribedHeaders } from '../../server/table/row.ts';
import { warningHeader } from './headers.ts';
import type { Answer } from './stored-answer.ts';

// What the changes of the controller's families have in common: a revision that `If-Match` may name, a key that makes
// repetitions harmless, and an audit log with the beginning and the end of each.

/** What a change has done. */
export interface Done {
  /** The answer's JSON; undefined for an answer without a body. */
  body?: object | undefined;
  /** The revision of the object before and after it, if it has one. */
  before?: number | undefined;
  after?: number | undefined;
  warnings?: readonly string[];
}

/**
 * A change that runs next to others: the domain puts those of one object in order.
 * @param follow waits for what follows from the change; its signal is aborted when the service stops
 */
export function concurrentChange(
  work: () => Promise<Done>,
  follow?: (stopping: AbortSignal) => Promise<Followed>,
): Change<Done> {
  let done: Done | undefined;
  return {
    hasVersion: true,
    isConcurrent: true,
    begin: () => ({
      async carryOut({ recorded }) {
        await recorded;
        done = await work();
        return done;
      },
      ended: () =>
        Promise.resolve({
          before: textOfRevision(done?.before),
          after: textOfRevision(done?.after),
        }),
      ...(follow && { follow }),
    }),
  };
}

function textOfRevision(revision: number | undefined): string | undefined {
  return revision === undefined ? undefined : `${revision}`;
}

export function answerOf(
  status: number,
  { body, after, warnings = [] }: Done,
  more: readonly string[],
): Answer {
  return {
    status,
    headers: {
      ...(after !== undefined && { ETag: `"${after}"` }),
      ...warningHeader([...warnings, ...more]),
    },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

/**
 * The revision in an ETag of ours, with or without the digest of what was known then.
 * @param object what has the revision, such as `group`; undefined if nothing has one
 * Faults: `invalid_request`
 */
export function revisionIn(
  ifMatch: string | undefined,
  object: string | undefined,
): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  if (object === undefined)
    throw headerFault(
      'If-Match',
      'must not be sent: this request is for nothing that has a revision',
    );
  const revision = /^\s*"(\d{1,15})(?:-[\w-]+)?"\s*$/.exec(ifMatch)?.[1];
  if (revision !== undefined) return Number(revision);
  throw headerFault('If-Match', `must be the ETag of a read of the ${object}, such as "7"`);
}

/**
 * Makes a change, or answers a repetition with the first answer.
 * @returns the change as work of the request, which its client's hanging up does not end
 * Faults: `invalid_request` for a key that is none, those of RepeatedAnswers, those of `make`
 */
export function makeOnce(
  call: Call,
  repeatedAnswers: RepeatedAnswers<Answer>,
  make: () => Promise<Answer>,
): Promise<Answer> {
  const key = call.header('Idempotency-Key');
  if (key === undefined) return call.workOn(make());
  const keyed = { caller: call.caller().name, key: checkedKey(key), request: contentOf(call) };
  return call.workOn(repeatedAnswers.once(keyed, make));
}

/** The headers of requests with these conditions. @param object what has the revision */
export function conditionHeaders(object: string | undefined): {
  request: DescribedHeaders;
  answer: DescribedHeaders;
} {
  return {
    request: {
      ...(object !== undefined && {
        'If-Match': 'The ETag of a read. The change is refused if the object has changed since.',
      }),
      'Idempotency-Key':
        'Repeats of this request with the same key change nothing and get the first answer.',
    },
    answer: {
      ETag: 'For the If-Match of the next request.',
      'X-HA-Warnings': 'What the caller should know of the change that was made.',
    },
  };
}

/** Faults: `invalid_request` */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw headerFault('Idempotency-Key', 'must be 1 to 255 printable characters without a blank');
}

/** Says what is wrong with a header. */
export function headerFault(field: string, message: string): Fault {
  return invalidRequest([{ field, message, type: 'string' }]);
}

/** Everything that distinguishes one request from another. */
function contentOf({ method, url, checkedBody }: Call): string {
  return JSON.stringify([method, url, checkedBody() ?? null]);
}
