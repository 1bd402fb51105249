import type { Host } from '../host.ts';
import { type ClusterState, stateAsJson } from '../parsers/crm-mon.ts';
import type { JsonObject } from '../parsers/xml-to-json.ts';
import { type PcsStatus, readPcsStatus } from '../pcs/status.ts';
import { type SharedRun, shareRuns } from '../shared-run.ts';
import { keepStateMs, type StateReader } from './state.ts';

/**
 * The documented status as JSON text in UTF-8, Pacemaker's XML and pcs's words read at the same moment.
 * It is encoded once for all who ask: it may be large, and they may be many.
 */
export type StatusReader = SharedRun<Buffer>;

/**
 * Reads the documented status: the state as JSON, and beside it `raw`, `xml` and `cluster_name`. Its
 * two crm_mon begin at the same time; with the runs shared, that is at most two a second, or three
 * where the list of nodes was asked for just before.
 * Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run.
 */
export function makeStatusReader(host: Host, state: StateReader): StatusReader {
  return shareRuns(async () => {
    const [current, pcs] = await Promise.all([state.renew(), readPcsStatus(host)]);
    return Buffer.from(JSON.stringify(statusOf(current, pcs)));
  }, keepStateMs);
}

function statusOf(state: ClusterState, pcs: PcsStatus): JsonObject {
  return { ...stateAsJson(state), raw: pcs.text, xml: state.xml, cluster_name: pcs.clusterName };
}
