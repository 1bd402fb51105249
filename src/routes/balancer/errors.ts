import type { Fault, FaultCode } from '../../kit/fault.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { agentFailed, type FaultTable } from '../../server/fault-table.ts';
import { serverFaults } from '../../server/faults.ts';
import type { AnswerFault } from '../../server/middleware/answer-errors.ts';
import type { JsonSchema } from '../../server/table/field.ts';
import { always, described, enumOf, record, text } from '../../server/table/schema.ts';
import { balancerFaults } from './faults.ts';

const faults: FaultTable = { ...serverFaults, ...balancerFaults };

/**
 * Errors in the three keys of the documented API, whose clients read `faultstring`. Our stable code is in the header
 * `X-HA-Code`.
 * @param secrets the values to mask
 */
export function makeAnswerFault(secrets?: KnownSecrets): AnswerFault {
  return (fault) => {
    const { status } = faults[fault.code] ?? agentFailed;
    const sentence = sentenceOf(fault);
    const faultstring = secrets ? secrets.maskText(sentence) : sentence;
    const faultcode = status >= 500 ? 'Server' : 'Client';
    return {
      status,
      headers: { 'Content-Type': 'application/json', 'X-HA-Code': fault.code },
      body: JSON.stringify({ faultcode, faultstring, debuginfo: null }),
      isFailure: status >= 500,
    };
  };
}

/** The recorded service has one sentence for each body that is no JSON. */
function sentenceOf({ code, message, errors }: Fault): string {
  const isNoJson =
    code === 'invalid_request' &&
    errors?.some(({ field, type }) => field === 'body' && type === 'string') === true;
  return isNoJson ? 'Request is not in valid JSON format' : message;
}

/** @param codes the codes that an answer may have */
export function faultSchema(codes: readonly FaultCode[]): JsonSchema {
  return record({
    faultcode: described(
      'Client if the request is to blame, else Server.',
      enumOf('Client', 'Server'),
    ),
    faultstring: described(
      `What happened, for people. The header X-HA-Code has it for programs: ${codes.join(', ')}.`,
      text,
    ),
    debuginfo: always(null),
  });
}
