import type { ClusterHost } from '../paths.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import type { ClusterState } from '../../parsers/crm-mon.ts';
import { type ReusePolicy, type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';

/** The cluster's state, and the start of its reading in milliseconds of the monotonic clock. */
export interface StateReading {
  state: ClusterState;
  readAt: number;
}

export type StateReader = SharedRun<StateReading>;

/** Reads the cluster's state, and caches it until something reports a change. */
export function makeStateReader(
  host: ClusterHost,
  keeping: ReusePolicy,
  secrets: KnownSecrets = makeKnownSecrets(),
): StateReader {
  return shareRuns(async () => {
    const readAt = performance.now();
    return { state: await readState(host, secrets), readAt };
  }, keeping);
}
