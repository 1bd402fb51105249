import * as z from 'zod';

import type { AmphoraStatus } from '../../../amphora/status.ts';
import { Fault, systemErrorCode } from '../../../kit/fault.ts';
import { statusPath } from '../../../routes/amphora-local/index.ts';
import { askService } from '../../../kit/ask-service.ts';

/** Members of many load balancers take a moment. */
const deadlineMs = 20_000;

/** The fields that readers of an answer need. Other fields are passed on. */
const objects = z.array(z.looseObject({}));
const answer = z.looseObject({
  uuid: z.string(),
  owners: z.array(z.looseObject({ id: z.string(), listeners: objects })),
  lvs: objects,
  vrrp: z.looseObject({ state: z.string(), vips: z.array(z.string()) }),
  ports: objects,
  certificates: z.array(z.looseObject({ path: z.string(), validTo: z.string() })),
  heartbeat: z.looseObject({ at: z.string().nullable() }).nullable(),
  problems: z.array(z.string()),
});

/**
 * Asks ha-amphora on this host.
 * Faults: `amphora_not_running`, `amphora_unresponsive`
 */
export async function readAmphoraStatus(socket: string): Promise<AmphoraStatus> {
  try {
    const text = await askService(socket, statusPath, deadlineMs);
    return answer.parse(JSON.parse(text)) as unknown as AmphoraStatus;
  } catch (error) {
    throw faultOf(error);
  }
}

function faultOf(error: unknown): unknown {
  const code = systemErrorCode(error);
  // A caller without permission gets the system's own error, because that caller cannot tell whether it runs.
  if (code === 'EACCES') return error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Fault(
      'amphora_not_running',
      "ha-amphora does not run on this host. 'systemctl status ha-amphora' says why; 'systemctl enable --now ha-amphora' starts it.",
    );
  }
  const isUnreadable = error instanceof z.ZodError || error instanceof SyntaxError;
  const why = isUnreadable ? 'Its answer cannot be read.' : (error as Error).message;
  return new Fault(
    'amphora_unresponsive',
    `ha-amphora runs on this host and does not answer as it should: ${why.replace(/\.?$/, '.')} 'journalctl -u ha-amphora' says more; 'systemctl restart ha-amphora' restarts it.`,
  );
}
