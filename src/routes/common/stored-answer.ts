import * as z from 'zod';

import type { ChangeResult, DryRun } from '../../changes/change.ts';
import type { AnswerForm } from '../../changes/idempotency/repeated-answers.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import { type Problems, problemType } from '../../server/problem.ts';
import { warningHeader } from './headers.ts';

/** The answer to a change, as it is sent and as it is stored for a repeated request. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

// Files of earlier releases have the same keys.
const schema = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});

/** What the store of repeated answers must know about these answers. */
export const answerForm: AnswerForm<Answer> = {
  read: (json) => schema.safeParse(json).data,
  isSuccess: ({ status }) => status < 300,
  shortened(answer, maxBytes) {
    if (Buffer.byteLength(answer.body) <= maxBytes) return answer;
    return withWarning(
      { ...answer, body: 'null' },
      'The body of the first answer was too long to be stored, so this repeated one has none.',
    );
  },
  withWarning,
};

function withWarning(answer: Answer, text: string): Answer {
  const name = 'X-HA-Warnings';
  const warnings = [answer.headers[name], warningHeader([text])[name]].filter(Boolean).join(', ');
  return { ...answer, headers: { ...answer.headers, [name]: warnings } };
}

export function answerOfDryRun(tried: DryRun): Answer {
  return {
    status: 200,
    headers: { ETag: `"${tried.version}"` },
    body: JSON.stringify(bodyOfDryRun(tried)),
  };
}

export function bodyOfDryRun({ version, effects, warnings }: DryRun): object {
  return { dry_run: true, version, ...effects, warnings };
}

export function answerOfMade(
  { settled, asExpected, warnings, version }: ChangeResult<unknown>,
  body: unknown,
): Answer {
  const said = settled || !asExpected ? warnings : [...warnings, notSettled];
  return {
    // The change was made. Either the cluster is still busy with it, or the resource is not as intended.
    status: settled && asExpected ? 200 : 202,
    headers: {
      ...(version !== undefined && { ETag: `"${version}"` }),
      ...warningHeader(said),
    },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

/** In these cases nothing was done yet, so no answer is stored. */
const nothingDone: readonly FaultCode[] = [
  'confirmation_required',
  'version_changed',
  'too_many_changes',
  'stack_busy',
  'stopping',
  'cluster_not_running',
  'node_joining',
  'audit_failed',
  'no_space',
  'tool_not_started',
];

/** A failure as an answer, which a repeated request gets as well. */
export function answerOfFailure(error: unknown, problems: Problems): Answer {
  if (!(error instanceof Fault) || nothingDone.includes(error.code)) throw error;
  const problem = problems.of(error);
  const headers = { 'Content-Type': problemType };
  return { status: problem.status, headers, body: JSON.stringify(problem) };
}

const notSettled = 'The change was made, but the cluster has not finished what follows from it.';
