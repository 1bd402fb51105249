import type { Host } from '../host.ts';
import { readState } from '../pacemaker/crm-mon.ts';
import type { ClusterState } from '../parsers/crm-mon.ts';
import { type SharedRun, shareRuns } from '../shared-run.ts';

/** Milliseconds for which one reading of the cluster serves all who ask. */
export const keepStateMs = 1000;

/** The cluster's state, read at most once in `keepStateMs`. */
export type StateReader = SharedRun<ClusterState>;

export function makeStateReader(host: Host): StateReader {
  return shareRuns(() => readState(host), keepStateMs);
}
