import type { RequestHandler } from 'express';

import type { AnswerFault } from '../middleware/answer-errors.ts';
import type { Checking } from './check.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Examples } from './examples.ts';
import type { JsonSchema } from './field.ts';
import type { Row } from './row.ts';

/** Routes that belong together: one document, one way to sign in, one shape of errors. */
export interface Family {
  /** In metrics, and in the path of its OpenAPI document. */
  name: string;
  /** What people call it. */
  title: string;
  /** The version of its interface, such as 2; none if it has only one. */
  version?: string;
  /** Where its paths begin; several where the document has several. Empty for the root. */
  bases: readonly string[];
  rows: readonly Row[];
  /** Each in turn, before any route: they find out who calls, and refuse who may not. */
  signIn: readonly RequestHandler[];
  /** The same for readers of the OpenAPI document: its security schemes, by their names. */
  security?: Readonly<Record<string, JsonSchema>>;
  /** How fields are checked; a family without it has rows without fields. */
  checking?: Checking;
  /** Whether an answer gets a digest as its ETag where its route has none that is cheaper. */
  hasEtags?: boolean;
  /** The detail of a 404 for a path that is no route of it. */
  noSuchRoute: (path: string) => string;
  /** How its errors look. */
  answerFault: AnswerFault;
  /** The same for readers of the OpenAPI document. @param codes that may be in it */
  faultSchema: (codes: readonly FaultCode[]) => JsonSchema;
  /** The codes of faults that any of its routes may answer with: those of its sign-in, and of its server. */
  codes: readonly FaultCode[];
  /** Requests and answers of its routes, as a real cluster gave them. */
  examples: Examples;
}
