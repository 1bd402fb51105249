import { z } from 'zod';

import type { AnswerForm } from '../../changes/idempotency/repeated-answers.ts';
import { warningHeader } from './headers.ts';

/** The answer to a change, as it is sent, and stored for a repetition of its request. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

// Files of former releases have the same.
const schema = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});

/** What the store of repeated answers must know of them. */
export const answerForm: AnswerForm<Answer> = {
  read: (json) => schema.safeParse(json).data,
  isSuccess: ({ status }) => status < 300,
  shortened(answer, maxBytes) {
    if (Buffer.byteLength(answer.body) <= maxBytes) return answer;
    return withWarning(
      { ...answer, body: 'null' },
      'The body of the first answer was too long to be kept for this repeated one.',
    );
  },
  withWarning,
};

function withWarning(answer: Answer, text: string): Answer {
  const name = 'X-HA-Warnings';
  const warnings = [answer.headers[name], warningHeader([text])[name]].filter(Boolean).join(', ');
  return { ...answer, headers: { ...answer.headers, [name]: warnings } };
}
