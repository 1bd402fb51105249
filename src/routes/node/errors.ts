import type { FaultCode } from '../../kit/fault.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { agentFailed, type FaultTable } from '../../server/fault-table.ts';
import { serverFaults } from '../../server/faults.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import type { JsonSchema } from '../../server/table/field.ts';
import { described, enumOf, record, text } from '../../server/table/schema.ts';
import { nodeFaults } from './faults.ts';

const faults: FaultTable = { ...serverFaults, ...nodeFaults };

/** Refusals after which the same request succeeds later. */
const laterCodes: readonly FaultCode[] = ['overloaded', 'stopping', 'too_many_requests'];

/** A controller has few cases: 400 is its own mistake, 409 a conflict, 500 a failure here, 503 asks for another try. */
function statusOf(code: FaultCode): number {
  const { status } = faults[code] ?? agentFailed;
  if (laterCodes.includes(code) || status === 503 || status === 504) return 503;
  return status;
}

/**
 * The errors of the node API: JSON with our stable `code` and a sentence for people.
 * @param secrets the values to mask
 */
export function makeAnswerFault(secrets?: KnownSecrets): AnswerFault {
  return (fault) => {
    const status = statusOf(fault.code);
    const detail = secrets ? secrets.maskText(fault.message) : fault.message;
    return {
      status,
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ code: fault.code, detail }),
      isFailure: status === 500,
    };
  };
}

/** @param codes the codes that an answer may have */
export function faultSchema(codes: readonly FaultCode[]): JsonSchema {
  return record({
    code: described('What happened, for programs; it never changes.', enumOf(...codes)),
    detail: described('What exactly happened and what to do next, for people.', text),
  });
}
