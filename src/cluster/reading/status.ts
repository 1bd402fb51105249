import { createHash } from 'node:crypto';

import type { Host } from '../../kit/host.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { documentedState } from '../../parsers/crm-mon.ts';
import { readClusterName, readPcsStatus } from '../../pcs/status.ts';
import { type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';
import type { StateReader, StateReading } from './state.ts';

/** Milliseconds from its end for which one reading of the status serves all who ask. */
export const keepStatusMs = 1000;

/** The documented status, Pacemaker's XML and pcs's words read at the same moment. */
export interface Status {
  /** JSON text in UTF-8, encoded once for all who ask: it may be large, and they may be many. */
  json: Buffer;
  /** Changes with what the status says, not with the time at which it was read. */
  digest: string;
  /** See StateReading. */
  readAt: number;
}

export interface StatusReader {
  /** With `raw`, all of it read at the same moment. */
  whole: SharedRun<Status>;
  /** Without `raw`: it takes no more than the state, which is kept while nothing tells of a change. */
  withoutRaw: () => Promise<Status>;
}

/**
 * Reads the documented status: the state as JSON, and with it `raw`, `xml` and `cluster_name`. Its
 * two crm_mon begin at the same time; with the runs shared and a second between them, that is at most
 * two in any second, or three where the list of nodes was asked for just before.
 * Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run.
 */
export function makeStatusReader(
  host: Host,
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

/** In the XML, in the words of crm_mon, and of pacemakerd's last word to it, since Pacemaker 2.1. */
const momentOfReading =
  /<last_update time="[^"]*"| last_updated="[^"]*"|Last updated: .*|\(last updated [^()]*\)/g;

function statusOf({ state, readAt }: StateReading, clusterName: string, raw?: string): Status {
  const more = { ...(raw !== undefined && { raw }), xml: state.xml, cluster_name: clusterName };
  const json = Buffer.from(JSON.stringify(documentedState(state, more)));
  return { json, digest: digestOf(state.xml, ...(raw === undefined ? [] : [raw])), readAt };
}
