import { randomUUID } from 'node:crypto';

import type { AuditLog } from '../../../changes/audit/audit.ts';
import type { Joined, JoinRequest } from '../../../controller/nodes/join.ts';
import { Fault } from '../../../kit/fault.ts';
import type { Log } from '../../../kit/log.ts';
import { joinPath, type TakeIn } from '../../../routes/controller/join.ts';

/**
 * Puts each host that joins on record. A refused one leaves a line in the journal alone, so that nobody fills the audit
 * log.
 */
export function joiningOnRecord(
  join: (request: JoinRequest) => Promise<Joined>,
  audit: AuditLog,
  log: Log,
): TakeIn {
  return async (request, from) => {
    const { name } = request;
    try {
      const joined = await join(request);
      log.info({ node: name, id: joined.id, from }, 'a node has joined');
      const entry = { caller: name, role: 'node', method: 'POST', route: joinPath, from };
      // The host has its certificate now, so a full disk must not keep it from the answer.
      await audit
        .record({ ...entry, id: randomUUID(), outcome: 'success' })
        .catch((error: unknown) => {
          log.error({ node: name, error: String(error) }, 'a node that joined is not on record');
        });
      return joined;
    } catch (error) {
      const code = error instanceof Fault ? error.code : 'internal_error';
      log.warn({ node: name, from, code }, 'a host was not taken in');
      throw error;
    }
  };
}
