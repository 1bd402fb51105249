import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { queryCib, readCibFile } from '../pacemaker/cib.ts';
import { type Cib, configurationIdentity, parseCib } from '../parsers/cib.ts';
import { maskPairs } from '../secrets.ts';
import { type Keeping, type SharedRun, shareRuns } from '../shared-run.ts';

/** What the cluster is configured to do, as one reading found it. */
export interface Configuration {
  cib: Cib;
  /** The CIB that `cib` was read from, without status, its secrets masked. */
  xml: string;
  /** `offline`: the cluster is stopped, and this is the CIB on the disk. */
  source: 'live' | 'offline';
  /** When the reading began, in milliseconds of the monotonic clock. */
  readAt: number;
}

export type ConfigurationReader = SharedRun<Configuration>;

/**
 * Reads the CIB, of the disk where the cluster is stopped, and keeps it while nothing tells of a change.
 * It is made into a model only when its configuration is another than before, for that is what costs:
 * the agent is told of each change of the status as well.
 * Faults of the reader: `cluster_not_running` if there is no CIB on the disk either, `unreadable_output`,
 * those of runPacemakerTool.
 */
export function makeConfigurationReader(host: Host, keeping: Keeping): ConfigurationReader {
  let latest: { cib: Cib; xml: string; identity: string } | undefined;

  return shareRuns(async () => {
    const readAt = performance.now();
    const { xml: whole, source } = await readCib(host);
    const xml = maskPairs(whole);
    const identity = configurationIdentity(xml);
    if (latest?.identity !== identity) latest = { cib: parseCib(xml), xml, identity };
    return { cib: latest.cib, xml: latest.xml, source, readAt };
  }, keeping);
}

async function readCib(host: Host): Promise<{ xml: string; source: Configuration['source'] }> {
  try {
    return { xml: await queryCib(host), source: 'live' };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'cluster_not_running') throw error;
    const xml = await readCibFile(host);
    if (xml === undefined) throw error;
    return { xml, source: 'offline' };
  }
}
