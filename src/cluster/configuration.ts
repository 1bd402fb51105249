import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { queryCib, readCibFile } from '../pacemaker/cib.ts';
import { type KnownSecrets, makeKnownSecrets } from '../known-secrets.ts';
import type { Log } from '../log.ts';
import { type Cib, configurationIdentity } from '../parsers/cib.ts';
import { type Keeping, type SharedRun, shareRuns } from '../shared-run.ts';
import { prepareCib, type PreparedCib } from './prepared-cib.ts';

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
 * Its secrets are masked and it is made into a model only when its configuration is another than before, for that is
 * what costs: the agent is told of each change of the status as well.
 * @param more.secrets learns the values that are secret in it
 * Faults of the reader: `cluster_not_running` if there is no CIB on the disk either, `unreadable_output`,
 * those of runPacemakerTool.
 */
export function makeConfigurationReader(
  host: Host,
  keeping: Keeping,
  { secrets = makeKnownSecrets(), log }: { secrets?: KnownSecrets; log?: Log } = {},
): ConfigurationReader {
  let latest: (PreparedCib & { identity: string }) | undefined;

  return shareRuns(async () => {
    const readAt = performance.now();
    const { xml: whole, source } = await readCib(host);
    const identity = configurationIdentity(whole);
    if (latest?.identity !== identity) {
      const prepared = await prepareCib(whole);
      secrets.ofCib(prepared.secrets);
      if (isLargeCib(whole) && !isLargeCib(latest?.identity ?? '')) {
        log?.warn({ bytes: whole.length }, largeCib);
      }
      latest = { ...prepared, identity };
    }
    return { cib: latest.cib, xml: latest.xml, source, readAt };
  }, keeping);
}

/** Pacemaker copies the CIB with each change, and sends it to each node that joins. */
const largeCibLength = 4 * 1024 * 1024;

/** Whether a CIB without its status is larger than is good for the cluster. */
export function isLargeCib(xml: string): boolean {
  return xml.length > largeCibLength;
}

export const largeCib =
  'The configuration of the cluster is larger than 4 MiB, so all that reads or changes it takes long. Remove from it what the cluster does not need.';

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
