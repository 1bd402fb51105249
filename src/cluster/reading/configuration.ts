import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { queryCib, readCibFile } from '../../pacemaker/cib/cib.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { Log } from '../../kit/log.ts';
import type { Cib } from '../../parsers/cib/cib.ts';
import { configurationIdentity } from '../../parsers/cib/text.ts';
import { type ReusePolicy, type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';
import { prepareCib, type PreparedCib } from './prepared-cib.ts';

/** What the cluster is configured to do, as one reading found it. */
export interface Configuration {
  cib: Cib;
  /** The CIB that `cib` was read from, without status, its secrets masked. */
  xml: string;
  /** What to warn of in an answer: each damaged value once, though it is shown each time as it is. */
  takeWarnings: () => string[];
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
  keeping: ReusePolicy,
  { secrets = makeKnownSecrets(), log }: { secrets?: KnownSecrets; log?: Log } = {},
): ConfigurationReader {
  let latest: (PreparedCib & { identity: string; damaged: readonly string[] }) | undefined;

  let untold: string[] = [];
  function takeWarnings(): string[] {
    const places = untold;
    untold = [];
    return places.length === 0 ? [] : [`${damagedValues} Seen in: ${places.join(', ')}.`];
  }

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
      // Not of the masked text, for a secret may be damaged as well; it is not told.
      const damaged = damagedIn(whole);
      const added = damaged.filter((each) => latest?.damaged.includes(each) !== true);
      if (added.length > 0) log?.warn({ damaged: added }, damagedValues);
      untold = [...untold.filter((each) => damaged.includes(each)), ...added];
      latest = { ...prepared, identity, damaged };
    }
    return { cib: latest.cib, xml: latest.xml, takeWarnings, source, readAt };
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

const damagedValues =
  'Pacemaker before 2.1 has stored values in the CIB as octal text (\\37777777703…) in place of characters beyond ASCII. They are shown as they are; set them again in plain ASCII.';

/** So many are named. */
const maxDamaged = 20;

/**
 * What Pacemaker 2.0 made of characters beyond ASCII: each of their bytes is the octal text of a negative number
 * (`crm_xml_escape` in libcrmcommon). What 2.1 damages looks like any other value.
 * @param xml a CIB
 * @returns where they are, without the values (`value of nvpair ID`)
 */
function damagedIn(xml: string): string[] {
  const found = new Set<string>();
  const pattern = /\\37777777[67][0-7]{2}/g;
  while (found.size < maxDamaged && pattern.exec(xml) !== null) {
    const end = xml.indexOf('"', pattern.lastIndex);
    if (end < 0) break;
    const tag = xml.slice(xml.lastIndexOf('<', end), end);
    const [, element = ''] = /^<([\w-]+)/.exec(tag) ?? [];
    const attribute = tag.slice(
      tag.lastIndexOf(' ', tag.lastIndexOf('="')) + 1,
      tag.lastIndexOf('="'),
    );
    const [, id = ''] = / id="([^"]*)"?/.exec(tag) ?? [];
    found.add(`${attribute} of ${element} ${id}`.trimEnd());
    pattern.lastIndex = end;
  }
  return [...found];
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
