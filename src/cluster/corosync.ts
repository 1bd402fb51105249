import type { AuditedRequest, AuditLog } from '../audit.ts';
import { type ConfVerdict, readCorosyncConfText, verifyCorosyncConf } from '../corosync/conf.ts';
import { readCorosyncKey } from '../corosync/key.ts';
import { readQuorum } from '../corosync/quorum.ts';
import { readRings } from '../corosync/rings.ts';
import type { Host } from '../host.ts';
import { corosyncConfAsJson, parseCorosyncConf } from '../parsers/corosync-conf.ts';
import type { CorosyncLinks } from '../parsers/corosync-cfgtool.ts';
import type { Quorum } from '../parsers/corosync-quorumtool.ts';
import type { JsonObject } from '../parsers/xml-to-json.ts';
import { type SharedRun, shareRuns } from '../shared-run.ts';

// Corosync tells nobody of a change, so a reading serves all who ask within a second.
const keeping = { leastMs: 1000 };

/** What is to be known of corosync on this node. */
export interface CorosyncReader {
  /** Faults: `corosync_conf_not_found`, `corosync_conf_unreadable` */
  conf(): Promise<JsonObject>;
  /** Faults: `corosync_conf_not_found`, `corosync_conf_unreadable` */
  confText(): Promise<string>;
  /** Faults: those of Run. */
  verifyConf(): Promise<ConfVerdict>;
  /**
   * The cluster's key in hexadecimal, once it is recorded who asked for it.
   * Faults: `corosync_key_not_found`, `audit_failed`
   */
  key(request: AuditedRequest): Promise<string>;
  /** Faults: `cluster_not_running`, `tool_failed`, those of Run. */
  rings: SharedRun<CorosyncLinks>;
  /** Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run. */
  quorum: SharedRun<Quorum>;
}

export function makeCorosyncReader(host: Host, audit: AuditLog): CorosyncReader {
  return {
    conf: async () => corosyncConfAsJson(parseCorosyncConf(await readCorosyncConfText(host))),
    confText: () => readCorosyncConfText(host),
    // Not shared: who has just changed the file wants to know of that one.
    verifyConf: () => verifyCorosyncConf(host),
    key: async (request) => {
      const key = await readCorosyncKey(host);
      await audit.record({ ...request, outcome: 'success' });
      return key;
    },
    rings: shareRuns(() => readRings(host), keeping),
    quorum: shareRuns(() => readQuorum(host), keeping),
  };
}
