import { type Fencing, readFencing } from '../../amphora/fencing.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { Call, DescribedHeaders } from '../../server/table/row.ts';

/** A header of ours. Octavia's agent and its controllers do not know it. */
export const fencingHeader: DescribedHeaders = {
  'X-HA-Fencing':
    'The store of the controller, its epoch and the revision of the load balancer, separated by blanks. A request with an older one is refused.',
};

export const ofFencing: readonly FaultCode[] = ['amphora_order_stale', 'amphora_order_foreign'];

/** @returns undefined without the header. Faults: `amphora_request_invalid` */
export function fencingOf(call: Pick<Call, 'header'>): Fencing | undefined {
  const text = call.header('x-ha-fencing');
  if (text === undefined) return undefined;
  const fencing = readFencing(text);
  if (fencing !== undefined) return fencing;
  throw new Fault(
    'amphora_request_invalid',
    "The header X-HA-Fencing is not 'STORE EPOCH REVISION', such as 'f3a1 1 42'. Send two numbers after the name of the store.",
  );
}
