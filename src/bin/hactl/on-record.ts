import { randomUUID } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';

import type { AuditEntry } from '../../changes/audit/audit.ts';
import { makeAuditLog } from '../wiring/stores.ts';
import { Fault } from '../../kit/fault.ts';
import { warn } from './print.ts';
import type { Signals } from './signals.ts';
import { loadConfig } from '../wiring/config.ts';

/**
 * Runs work that changes something or prints a secret, with a line in the audit log before it and one after it, as the
 * agent does. Work that cannot be recorded is not started.
 * @param command what follows `hactl`, such as `alphorn restore liferaft_1234abcd.tar`
 * Faults: `audit_failed`, `no_space`, those of the work
 */
export type OnRecord = <T>(command: readonly string[], work: () => Promise<T>) => Promise<T>;

const maxRouteLength = 500;

export function makeOnRecord(signals: Signals): OnRecord {
  return (command, work) =>
    signals.holdOff(async () => {
      const config = await loadConfig(process.env);
      const folder = config.state_directory;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // A caller without permission to write there gets that error, and not one about the record.
      await access(folder, constants.W_OK | constants.X_OK);
      const audit = makeAuditLog(config, 'other');
      const route = ['hactl', ...command].join(' ');
      const request = {
        // These are the values of a caller of the agent's socket, because only root can use hactl too.
        id: randomUUID(),
        caller: 'root',
        role: 'admin',
        method: 'CLI',
        route: route.length > maxRouteLength ? `${route.slice(0, maxRouteLength)}…` : route,
      };
      await audit.record({ ...request, outcome: 'begun' });
      const ended = async (outcome: AuditEntry['outcome']) => {
        try {
          await audit.recordEnd({ ...request, outcome });
        } catch (error) {
          // The work is done, and its beginning is recorded.
          if (!(error instanceof Fault)) throw error;
          warn(
            `The command was carried out, but its end is not in the audit log: ${error.message}`,
          );
        }
      };
      let result;
      try {
        result = await work();
      } catch (error) {
        await ended(error instanceof Fault ? error.code : 'internal_error');
        throw error;
      }
      await ended('success');
      return result;
    });
}
