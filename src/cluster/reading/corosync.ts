import type { AuditedRequest, AuditLog } from '../../changes/audit/audit.ts';
import {
  type ConfVerdict,
  existingCorosyncConfFile,
  maskConf,
  readCorosyncConfText,
  verifyCorosyncConf,
  verifyCorosyncConfFile,
} from '../../corosync/conf.ts';
import { readCorosyncKey } from '../../corosync/key.ts';
import { readQuorum } from '../../corosync/quorum.ts';
import { readRings } from '../../corosync/rings.ts';
import { Fault } from '../../kit/fault.ts';
import type { ClusterHost } from '../paths.ts';
import { type CorosyncSection, parseCorosyncConf } from '../../parsers/corosync/conf.ts';
import type { CorosyncLinks } from '../../parsers/corosync/cfgtool.ts';
import type { Quorum } from '../../parsers/corosync/quorumtool.ts';
import { type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';

// Corosync reports no changes, so one reading serves all callers within a second.
const keeping = { reuseMs: 1000 };

/** Reads the state and the files of corosync on this node. */
export interface CorosyncReader {
  /**
   * The file, its key masked, and whether corosync would start with it, if corosync could be asked.
   * Faults: `corosync_conf_not_found`, `corosync_conf_unreadable`
   */
  conf(): Promise<{ conf: CorosyncSection; valid?: boolean }>;
  /** Faults: `corosync_conf_not_found`, `corosync_conf_unreadable` */
  confText(): Promise<string>;
  /** Faults: those of Run. */
  verifyConf(): Promise<ConfVerdict>;
  /**
   * The cluster's key in hexadecimal. The audit log has the caller before the key is returned.
   * Faults: `corosync_key_not_found`, `audit_failed`
   */
  key(request: AuditedRequest): Promise<string>;
  /** Faults: `cluster_not_running`, `tool_failed`, those of Run. */
  rings: SharedRun<CorosyncLinks>;
  /** Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run. */
  quorum: SharedRun<Quorum>;
}

export function makeCorosyncReader(host: ClusterHost, audit: AuditLog): CorosyncReader {
  return {
    async conf() {
      const text = await existingCorosyncConfFile(host);
      const conf = parseCorosyncConf(maskConf(text));
      try {
        const { valid } = await verifyCorosyncConf(host, text);
        return { conf, valid };
      } catch (error) {
        // The file is still shown, because it may be what somebody needs to repair corosync.
        if (error instanceof Fault) return { conf };
        throw error;
      }
    },
    confText: () => readCorosyncConfText(host),
    // Not shared: after a change of the file, its caller needs the verdict on the new one.
    verifyConf: () => verifyCorosyncConfFile(host),
    key: async (request) => {
      const key = await readCorosyncKey(host);
      await audit.record({ ...request, outcome: 'success' });
      return key;
    },
    rings: shareRuns(() => readRings(host), keeping),
    quorum: shareRuns(() => readQuorum(host), keeping),
  };
}
