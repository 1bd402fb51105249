import type { RequestHandler } from 'express';

import type { AnswerFault } from '../middleware/answer-errors.ts';
import type { Checking } from './check.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Examples } from './examples.ts';
import type { JsonSchema } from './field.ts';
import type { Row } from './row.ts';

/** Routes that belong together: one document, one way to sign in, one format of errors. */
export interface Family {
  /** Its name in metrics, and in the path of its OpenAPI document. */
  name: string;
  /** Its name for people. */
  title: string;
  /** The version of its interface, such as 2; none if it has only one. */
  version?: string;
  /** The base paths; several if the contract has several. Empty for the root. */
  bases: readonly string[];
  rows: readonly Row[];
  /** Run in this order before any route. They identify the caller, and refuse unknown callers. */
  signIn: readonly RequestHandler[];
  /** The same for the OpenAPI document: the security schemes by their names. */
  security?: Readonly<Record<string, JsonSchema>>;
  /** How fields are checked. A family without this has no fields in its rows. */
  checking?: Checking;
  /** Whether an answer gets a digest as its ETag if its route has no cheaper ETag. */
  hasEtags?: boolean;
  /** The detail of a 404 for a path without a route. */
  noSuchRoute: (path: string) => string;
  /** The format of its errors. */
  answerFault: AnswerFault;
  /** The same for the OpenAPI document. @param codes the codes that it may have */
  faultSchema: (codes: readonly FaultCode[]) => JsonSchema;
  /** The fault codes that all of its routes may answer with: those of its sign-in and of its server. */
  codes: readonly FaultCode[];
  /** Requests of its routes, and the answers of a real cluster. */
  examples: Examples;
}
