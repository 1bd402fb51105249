import * as z from 'zod';

import { checkedBy, interfaceName } from '../keepalived/wanted-schema.ts';
import { makeSlots } from '../kit/concurrency/slots.ts';
import type { Run } from '../kit/exec.ts';
import { parseIp } from '../kit/ip.ts';
import { probeAddresses, type UsedAddress } from '../netlink/probe.ts';

/** Which addresses to ask for. Both parts come as they were sent. */
export interface ProbeRequest {
  interface: unknown;
  addresses: unknown;
}

/** More than a controller asks for at once. */
const maxAddresses = 64;
const maxAtOnce = 4;
const maxWaiting = 64;

const addresses = z
  .array(
    z
      .string()
      .max(45)
      .refine((value) => parseIp(value) !== undefined, 'must be an IP address'),
  )
  .min(1)
  .max(maxAddresses);

/**
 * Asks the hosts on a link of this one for addresses.
 * @returns for each request the addresses that another host has, as they were written in it
 * Faults of it: `invalid_request`, `tool_failed`, those of Run
 */
export function makeProbing(run: Run): (request: ProbeRequest) => Promise<UsedAddress[]> {
  const slots = makeSlots(maxAtOnce, maxWaiting);
  return async (request) => {
    const device = checkedBy(interfaceName, request.interface, 'interface');
    const asked = [...new Set(checkedBy(addresses, request.addresses, 'addresses'))];
    return slots.run(() => probeAddresses(run, null, device, asked));
  };
}
