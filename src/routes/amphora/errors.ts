import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { agentFailed, type FaultMeaning, type FaultTable } from '../../server/fault-table.ts';
import { serverFaults } from '../../server/faults.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import type { JsonSchema } from '../../server/table/field.ts';
import { described, enumOf, record, text } from '../../server/table/schema.ts';
import { amphoraFaults } from './faults.ts';

/** The statuses that the drivers take for failures. Every other status passes for success. */
export const failureStatuses: readonly number[] = [400, 401, 403, 404, 405, 409, 500, 503];

const faults: FaultTable = { ...serverFaults, ...amphoraFaults };

/** Faults whose `message` also says why, as in the documents. */
const whyInMessage: readonly FaultCode[] = [
  'keepalived_not_started',
  'keepalived_not_stopped',
  'keepalived_not_reloaded',
];

/** Refusals that a driver may repeat: nothing was done, and a later request succeeds. */
const laterCodes: readonly FaultCode[] = [
  'overloaded',
  'stopping',
  'too_many_requests',
  'too_many_changes',
];

/**
 * The errors of the amphora API: JSON with the `message` of the documents, its `details` and our stable `code`. A type
 * of problem+json would make the drivers repeat a 404 for ten minutes.
 * @param secrets the values to mask
 */
export function makeAnswerFault(secrets?: KnownSecrets): AnswerFault {
  return (fault) => {
    const { title, status } = meaningOf(fault.code);
    const details = secrets ? secrets.maskText(fault.message) : fault.message;
    const message = whyInMessage.includes(fault.code) ? `${title}: ${details}` : title;
    return {
      status,
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      // Some faults of the documents have nothing more to say.
      body: JSON.stringify({ message, ...(details !== title && { details }), code: fault.code }),
      isFailure: status === 500,
    };
  };
}

function meaningOf(code: FaultCode): Pick<FaultMeaning, 'title' | 'status'> {
  const { title, status } = faults[code] ?? agentFailed;
  // The documents have one text for requests that are wrong.
  if (code === 'invalid_request')
    return { title: amphoraFaults.amphora_request_invalid.title, status };
  return { title, status: driverStatus(code, status) };
}

/** The status by which the drivers know a failure of that kind. */
function driverStatus(code: FaultCode, status: number): number {
  if (code in amphoraFaults) return status;
  if (laterCodes.includes(code)) return 503;
  if (status >= 500) return 500;
  return failureStatuses.includes(status) ? status : 400;
}

/** @param codes the codes that an answer may have */
export function faultSchema(codes: readonly FaultCode[]): JsonSchema {
  return record({
    message: described('What happened, in the words of the documents.', text),
    'details?': described('What exactly happened and what to do next, for people.', text),
    code: described('What happened, for programs; it never changes.', enumOf(...codes)),
  });
}

/** @returns a handler for `catch` that gives a fault the code of another, under which the document has it */
export function asFault(from: FaultCode, to: FaultCode): (error: unknown) => never {
  return (error) => {
    if (error instanceof Fault && error.code === from) throw new Fault(to, error.message);
    throw error;
  };
}
