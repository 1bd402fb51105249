import { isIPv6 } from 'node:net';

import { z } from 'zod';

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
      `${name} answers as no ha-agent does. Install the same version there as here.`,
    );
  }
}

/** Of an answer that is a refusal; its words are the other side's. */
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
    "This host has no key that another could know it by. Make it a node of a cluster; or make a key ('hactl alphorn key generate') and carry it to its destinations ('export' here, 'import' there).",
  );
}

/** What to do about the system's and OpenSSL's errors, by their codes. */
export function unreachable(destination: Destination, error: unknown): Fault {
  const { host, port } = destination;
  const isUnauthenticated = error instanceof Error && /certificate/i.test(error.message);
  const code = isUnauthenticated ? 'EPROTO' : (systemErrorCode(error) ?? '');
  const messages: Partial<Record<string, string>> = {
    ECONNREFUSED: `Nobody listens on port ${port} of ${host}. Start the service there ('systemctl start ha-agent'), or correct the destination.`,
    ENOTFOUND: `The name ${host} is not known. Correct the destination, or make the name known to this host.`,
    EAI_AGAIN: `The name ${host} cannot be looked up, for no name server answers. Mend that, or give the destination by its address.`,
    EHOSTUNREACH: `${host} cannot be reached from this host. Look whether it is up, and at the network between.`,
    ENETUNREACH: `There is no way from this host to ${host}. Look at the routes ('ip route').`,
    EPROTO: `What listens on port ${port} of ${host} is not a peer port of ha-agent. Correct the destination.`,
  };
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  const message =
    messages[code] ??
    `The connection to ${nameOf(destination)} broke: ${[code, reason].filter(Boolean).join(', ')}. It is tried again; if it stays so, look at 'journalctl -u ha-agent-peers' there.`;
  return new Fault('peer_unreachable', message);
}

/** As it stands in the settings. */
export function nameOf({ host, port }: Destination): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
