import { createHash } from 'node:crypto';

import type { ClusterHost } from '../paths.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { documentedState } from '../../parsers/crm-mon.ts';
import { readClusterName, readPcsStatus } from '../../pcs/status.ts';
import { type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';
import type { StateReader, StateReading } from './state.ts';

/** One reading of the status serves all callers for this many milliseconds after its end. */
export const keepStatusMs = 1000;

/** The documented status. Pacemaker's XML and the text of pcs were read at the same moment. */
export interface Status {
  /** JSON text in UTF-8. It is encoded once for all callers, because it may be large and they may be many. */
  json: Buffer;
  /** Changes if the content of the status changes, whatever the time of reading. */
  digest: string;
  /** See StateReading. */
  readAt: number;
}

export interface StatusReader {
  /** With `raw`. All of it is read at the same moment. */
  whole: SharedRun<Status>;
  /** Without `raw`. It needs only the state, which is cached until something reports a change. */
  withoutRaw: () => Promise<Status>;
}

/**
 * Reads the documented status: the state as JSON, with `raw`, `xml` and `cluster_name`. It starts two crm_mon at the
 * same time. Runs are shared and a second apart, so at most two start in a second, or three if the list of nodes was
 * read just before.
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
    async withoutRaw() {
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

function statusOf({ state, readAt }: StateReading, clusterName: string, raw?: string): Status {
  const more = { ...(raw !== undefined && { raw }), xml: state.xml, cluster_name: clusterName };
  const json = Buffer.from(JSON.stringify(documentedState(state, more)));
  return { json, digest: digestOf(state.xml, ...(raw === undefined ? [] : [raw])), readAt };
}
