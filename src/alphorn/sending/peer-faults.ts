import { isIPv6 } from 'node:net';

import * as z from 'zod';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { hostIdPattern } from '../format/manifest.ts';
import type { HeartbeatAnswer } from '../peers/peer-protocol.ts';
import type { Destination } from '../settings.ts';

const answerSchema = z.object({
  held: z.boolean(),
  lineage: z.string().optional(),
  generation: z.number().optional(),
  host: z.string().regex(hostIdPattern).optional(),
  partial: z.number().int().min(0).optional(),
});
const problemSchema = z.object({ code: z.string().max(100), detail: z.string().max(2000) });

export function parseAnswer(name: string, text: string): HeartbeatAnswer {
  const { held, lineage, generation, host, partial } = orRefused(name, () =>
    answerSchema.parse(JSON.parse(text)),
  );
  return {
    held,
    ...(lineage !== undefined && { lineage }),
    ...(generation !== undefined && { generation }),
    ...(host !== undefined && { host }),
    ...(partial !== undefined && { partial }),
  };
}

function orRefused<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Fault(
      'peer_refused',
      `${name} does not answer as an ha-agent does. Install the same version there as here.`,
    );
  }
}

/** The destination refused. The fault has its own message. */
export function refused(name: string, status: number | undefined, text: string): Fault {
  const { code, detail } = orRefused(name, () => problemSchema.parse(JSON.parse(text)));
  return new Fault('peer_refused', `${name} refused (${status ?? '?'} ${code}): ${detail}`);
}

export function unknownThere(name: string, refusal: string | undefined): Fault {
  return new Fault(
    'peer_refused',
    `${refusal === undefined ? '' : `${refusal} `}${name} knows none of this host's keys. It has to be a node of the same cluster, or to have the same /etc/alphorn/key ('hactl alphorn key export' here, 'hactl alphorn key import' there).`,
  );
}

export function withoutKey(refusal: string | undefined): Fault {
  if (refusal !== undefined) return new Fault('alphorn_key_refused', refusal);
  return new Fault(
    'alphorn_without_key',
    "This host has no key by which others could know it. Make it a node of a cluster; or make a key ('hactl alphorn key generate') and carry it to its destinations ('export' here, 'import' there).",
  );
}

/** The destination could not be reached. The message says what to do about the system's or OpenSSL's error. */
export function unreachable(destination: Destination, error: unknown): Fault {
  const { host, port } = destination;
  const isUnauthenticated = error instanceof Error && /certificate/i.test(error.message);
  const code = isUnauthenticated ? 'EPROTO' : (systemErrorCode(error) ?? '');
  const messages: Partial<Record<string, string>> = {
    ECONNREFUSED: `Nothing listens on port ${port} of ${host}. Start the service there ('systemctl start ha-agent'), or correct the destination.`,
    ENOTFOUND: `The name ${host} is not known. Correct the destination, or make the name known to this host.`,
    EAI_AGAIN: `The name ${host} cannot be looked up, for no name server answers. Correct that, or give the destination by its address.`,
    EHOSTUNREACH: `${host} cannot be reached from this host. Check that it is up, and check the network in between.`,
    ENETUNREACH: `There is no route from this host to ${host}. Check the routes ('ip route').`,
    EPROTO: `What listens on port ${port} of ${host} is not a peer port of ha-agent. Correct the destination.`,
  };
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  const message =
    messages[code] ??
    `The connection to ${nameOf(destination)} broke: ${[code, reason].filter(Boolean).join(', ')}. It is tried again; if it keeps failing, see 'journalctl -u ha-agent-peers' there.`;
  return new Fault('peer_unreachable', message);
}

/** The destination as written in the settings. */
export function nameOf({ host, port }: Destination): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
