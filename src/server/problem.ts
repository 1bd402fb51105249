import type { Fault, FaultCode, FieldError } from '../kit/fault.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import { agentFailed, type FaultMeaning, type FaultTable } from './fault-table.ts';
import type { AnswerFault, FaultAnswer } from './middleware/answer-errors.ts';
import type { JsonSchema } from './table/field.ts';
import { described, integer, listOf, orNull, part, record, text, texts } from './table/schema.ts';

/** An error in the format of RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The stable code for programs. */
  code: string;
  /** What is wrong with each field. */
  errors?: readonly FieldError[];
  /** The commands that were run, with secrets masked. */
  command?: readonly string[];
  exitCode?: number | null;
  stderr?: string;
  /** How to confirm the request, and what it would lose. */
  confirmation?: object;
}

/** Turns faults into problems and answers. */
export interface Problems {
  /** The problem, with known secrets masked in all text for people. */
  of: (fault: Fault) => Problem;
  answer: AnswerFault;
}

/**
 * @param faults the meaning of the codes; an unknown code is a bug and answered with 500
 * @param secrets the values to mask
 */
export function makeProblems(faults: FaultTable, secrets?: KnownSecrets): Problems {
  const of = (fault: Fault) => masked(problemOf(fault, faults[fault.code] ?? agentFailed), secrets);
  return { of, answer: (fault) => answerOfProblem(of(fault)) };
}

function problemOf(
  fault: Fault,
  { status, title, quotesTool }: Omit<FaultMeaning, 'exit'>,
): Problem {
  return {
    type: `urn:ha-agent:problem:${fault.code}`,
    title,
    status,
    detail: quotesTool ? quotingTool(fault) : fault.message,
    code: fault.code,
    ...(fault.errors && { errors: fault.errors }),
    ...(fault.confirmation && { confirmation: fault.confirmation }),
    ...(fault.command && {
      command: fault.command.argv,
      exitCode: fault.command.exitCode,
      stderr: fault.command.stderr,
    }),
  };
}

const maxQuoted = 300;

function quotingTool({ message, command }: Fault): string {
  const said = (command?.stderr ?? '').trim().replace(/\s+/g, ' ');
  if (said === '') return message;
  return `${message} ${command?.argv[0]} says: ${said.length > maxQuoted ? `${said.slice(0, maxQuoted)} …` : said}`;
}

function masked(problem: Problem, secrets: KnownSecrets | undefined): Problem {
  const { detail, command, stderr, confirmation } = problem;
  const texts = {
    detail,
    ...(command && { command }),
    ...(stderr !== undefined && { stderr }),
    ...(confirmation && { confirmation }),
  };
  return secrets ? { ...problem, ...secrets.maskJson(texts) } : problem;
}

export const problemType = 'application/problem+json; charset=utf-8';

export function answerOfProblem(problem: Problem): FaultAnswer {
  return {
    status: problem.status,
    headers: { 'Content-Type': problemType },
    body: JSON.stringify(problem),
    isFailure: problem.status >= 500,
  };
}

/** A problem with one of these codes. */
export function problemSchema(codes: readonly FaultCode[]): JsonSchema {
  return { allOf: [problem, { type: 'object', properties: { code: { enum: codes } } }] };
}

const problem = part(
  'Problem',
  record({
    type: described('urn:ha-agent:problem: and the code.', text),
    title: text,
    status: integer,
    detail: described('What happened and what to do next, for people.', text),
    code: described('What happened, for programs; it never changes.', text),
    'errors?': described(
      'What is wrong with each field of the request.',
      listOf(record({ field: text, message: text, type: text })),
    ),
    'command?': described('What was run, secrets masked.', texts),
    'exitCode?': orNull(integer),
    'stderr?': text,
    'confirmation?': described(
      'The token that confirms the request, and what the request would do.',
      record({ token: text }, {}),
    ),
  }),
);
