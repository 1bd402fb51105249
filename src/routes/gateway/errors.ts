import type { Fault, FaultCode } from '../../kit/fault.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { agentFailed, type FaultTable } from '../../server/fault-table.ts';
import { serverFaults } from '../../server/faults.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import type { JsonSchema } from '../../server/table/field.ts';
import { described, enumOf, integer, listOf, record, text } from '../../server/table/schema.ts';
import { gatewayFaults } from './faults.ts';

const faults: FaultTable = { ...serverFaults, ...gatewayFaults };

/**
 * Errors in the envelope of the documented answers: a `status` that is not 0, the `msg` for people, and a stable `code`.
 * @param secrets the values to mask
 */
export function makeAnswerFault(secrets?: KnownSecrets): AnswerFault {
  return (fault) => {
    const status = statusOf(fault);
    const msg = secrets ? secrets.maskText(fault.message) : fault.message;
    const { code, errors } = fault;
    return {
      status,
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ status, msg, code, ...(errors && { errors }) }),
      isFailure: status >= 500,
    };
  };
}

function statusOf({ code, errors }: Fault): number {
  // A node in a body is a mistake in the body; a node in the path is a page that is not there.
  if (code === 'node_not_found' && errors) return 400;
  return (faults[code] ?? agentFailed).status;
}

/** @param codes the codes that an answer may have */
export function faultSchema(codes: readonly FaultCode[]): JsonSchema {
  const possible = new Set<FaultCode>(codes);
  if (possible.has('invalid_request')) possible.add('node_not_found');
  return record({
    status: described('The HTTP status.', integer),
    msg: described('What happened and what to do next, for people.', text),
    code: described('What happened, for programs; it never changes.', enumOf(...possible)),
    'errors?': described(
      'What is wrong with each field of the request.',
      listOf(record({ field: text, message: text, type: text })),
    ),
  });
}
