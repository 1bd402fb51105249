import { expect } from 'chai';

import { Fault, type FaultCode } from '../../src/kit/fault.ts';

/** Waits for the promise to fail with a Fault of that code, and returns it. */
export async function faultOf(code: FaultCode, promise: Promise<unknown>): Promise<Fault> {
  const outcome = await promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  expect(outcome, `a fault ${code}`).to.be.instanceOf(Fault);
  const fault = outcome as Fault;
  expect(fault.code).to.equal(code);
  return fault;
}

/** Calls a function. @returns its value or its fault */
export function orFault(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}
