import { createHash } from 'node:crypto';

import type { ClusterHost } from '../paths.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { ClusterState } from '../../parsers/crm-mon.ts';
import { readClusterName, readPcsStatus } from '../../pcs/status.ts';
import { type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';
import type { StateReader, StateReading } from './state.ts';

/** One reading of the status serves all callers for this many milliseconds after its end. */
export const keepStatusMs = 1000;

/** The cluster's state, and what pcs says of it at the same moment. All callers of one reading get the same object. */
export interface Status {
  state: ClusterState;
  clusterName: string;
  /** The text of `pcs status`, its secrets masked; undefined if nobody asked for it. */
  pcsText: string | undefined;
  /** Changes if the content of the status changes, whatever the time of reading. */
  digest: string;
  /** See StateReading. */
  readAt: number;
}

export interface StatusReader {
  /** With the text of pcs. All of it is read at the same moment. */
  whole: SharedRun<Status>;
  /** Without the text of pcs. It needs only the state, which is cached until something reports a change. */
  withoutText: () => Promise<Status>;
}

/**
 * Reads the cluster's status. With the text of pcs, it starts two crm_mon at the same time. Runs are shared and a second
 * apart, so at most two start in a second, or three if the list of nodes was read just before.
 * Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run.
 */
export function makeStatusReader(
  host: ClusterHost,
  state: StateReader,
  secrets: KnownSecrets = makeKnownSecrets(),
): StatusReader {
  const whole = shareRuns(
    async () => {
      const [reading, pcs] = await Promise.all([state.renew(), readPcsStatus(host)]);
      return statusOf(reading, pcs.clusterName, secrets.maskText(pcs.text));
    },
    { reuseMs: keepStatusMs },
  );
  let latest: { reading: StateReading; clusterName: string; status: Status } | undefined;
  return {
    whole,
    async withoutText() {
      const [reading, clusterName] = await Promise.all([state.get(), readClusterName(host)]);
      if (latest?.reading !== reading || latest.clusterName !== clusterName) {
        latest = { reading, clusterName, status: statusOf(reading, clusterName) };
      }
      return latest.status;
    },
  };
}

function digestOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text.replace(momentOfReading, '')).update('\0');
  return hash.digest('base64url').slice(0, 16);
}

/** The time of reading, in the XML and in the text of crm_mon. Since Pacemaker 2.1 the text also has pacemakerd's. */
const momentOfReading =
  /<last_update time="[^"]*"| last_updated="[^"]*"|Last updated: .*|\(last updated [^()]*\)/g;

function statusOf({ state, readAt }: StateReading, clusterName: string, pcsText?: string): Status {
  const digest = digestOf(state.xml, ...(pcsText === undefined ? [] : [pcsText]));
  return { state, clusterName, pcsText, digest, readAt };
}
