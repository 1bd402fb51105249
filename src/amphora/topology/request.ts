import { isIP } from 'node:net';

import { Fault } from '../../kit/fault.ts';
import { topologies, type TopologyRequest } from '../amphora.ts';
import type { StoredTopology } from './store.ts';

/** keepalived takes one word as the secret, and these characters would end it. */
const secretText = /^[^\s{}"'!#\\\p{Cc}]{1,255}$/u;
const roles = ['ACTIVE', 'STANDBY'] as const;
const maxEchoLength = 64;

/**
 * Checks what a caller asks for. A role, an address and a secret mean something only for ACTIVE-STANDBY; otherwise they
 * are left out.
 * Faults: `topology_refused`, which names all wrong parameters and never the secret
 */
export function checkedTopology(request: TopologyRequest): StoredTopology {
  const topology = topologies.find((each) => each === request.topology);
  if (topology === undefined) {
    // The words of the document.
    throw refused(`Unknown topology: ${request.topology.slice(0, maxEchoLength)}`);
  }
  if (topology !== 'ACTIVE-STANDBY') return { topology };

  const role = roles.find((each) => each === request.role);
  const haIp = request.haIp?.trim();
  const { secret } = request;
  const isAddress = haIp !== undefined && isIP(haIp) !== 0;
  const isSecret = secret === undefined || secretText.test(secret);
  if (role === undefined || !isAddress || !isSecret) {
    const wrong = [
      role === undefined && 'role: expected ACTIVE or STANDBY',
      !isAddress && 'ha_ip: expected an IP address',
      !isSecret && 'secret: expected one word of at most 255 characters',
    ];
    throw refused(wrong.filter((each) => each !== false).join('; '));
  }
  return { topology, role, haIp, ...(secret !== undefined && { secret }) };
}

function refused(message: string): Fault {
  return new Fault('topology_refused', message);
}
