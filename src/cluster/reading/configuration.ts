import { Fault } from '../../kit/fault.ts';
import type { ClusterHost } from '../paths.ts';
import { queryCib, readCibFile } from '../../pacemaker/cib/cib.ts';
import { type KnownSecrets, makeKnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { Log } from '../../kit/log.ts';
import type { Cib } from '../../parsers/cib/cib.ts';
import { configurationIdentity } from '../../parsers/cib/text.ts';
import { type ReusePolicy, type SharedRun, shareRuns } from '../../kit/concurrency/shared-run.ts';
import { prepareCib, type PreparedCib } from './prepared-cib.ts';

/** The cluster's configuration, as one reading found it. */
export interface Configuration {
  cib: Cib;
  /** The CIB that `cib` was read from, without status, its secrets masked. */
  xml: string;
  /** Warnings for an answer. Each damaged value is named once; the answers show it as it is each time. */
  takeWarnings: () => string[];
  /** `offline`: the cluster is stopped, and this is the CIB on the disk. */
  source: 'live' | 'offline';
  /** When the reading began, in milliseconds of the monotonic clock. */
  readAt: number;
}

export type ConfigurationReader = SharedRun<Configuration>;

/**
 * Reads the CIB, and caches it until something reports a change. If the cluster is stopped, it reads the CIB on the
 * disk. Changes of the status are reported as well, so masking and parsing, which cost most, are repeated only if the
 * configuration differs.
 * @param more.secrets learns the secret values in the CIB
 * Faults of the reader: `cluster_not_running` if there is no CIB on the disk either, `unreadable_output`,
 * those of runPacemakerTool.
 */
export function makeConfigurationReader(
  host: ClusterHost,
  keeping: ReusePolicy,
  { secrets = makeKnownSecrets(), log }: { secrets?: KnownSecrets; log?: Log } = {},
): ConfigurationReader {
  let latest: (PreparedCib & { identity: string; damaged: readonly string[] }) | undefined;

  let unreported: string[] = [];
  function takeWarnings(): string[] {
    const places = unreported;
    unreported = [];
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
      // This looks at the text before masking, because a secret may be damaged as well. Only its place is reported.
      const damaged = damagedIn(whole);
      const added = damaged.filter((each) => latest?.damaged.includes(each) !== true);
      if (added.length > 0) log?.warn({ damaged: added }, damagedValues);
      unreported = [...unreported.filter((each) => damaged.includes(each)), ...added];
      latest = { ...prepared, identity, damaged };
    }
    return { cib: latest.cib, xml: latest.xml, takeWarnings, source, readAt };
  }, keeping);
}

/** Pacemaker copies the CIB at each change, and sends it to each node that joins. */
const largeCibLength = 4 * 1024 * 1024;

/** Whether a CIB without its status is too large for the cluster to be fast. */
export function isLargeCib(xml: string): boolean {
  return xml.length > largeCibLength;
}

export const largeCib =
  'The configuration of the cluster is larger than 4 MiB, so every read and every change takes long. Remove from it what the cluster does not need.';

const damagedValues =
  'Pacemaker before 2.1 has stored values in the CIB as octal text (\\37777777703…) in place of characters beyond ASCII. They are shown as they are; set them again in plain ASCII.';

/** A warning names at most this many. */
const maxDamaged = 20;

/**
 * Finds characters beyond ASCII that Pacemaker 2.0 damaged: each of their bytes is the octal text of a negative number
 * (`crm_xml_escape` in libcrmcommon). Values that 2.1 damaged look like any other.
 * @param xml a CIB
 * @returns their places, without the values (`value of nvpair ID`)
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

async function readCib(
  host: ClusterHost,
): Promise<{ xml: string; source: Configuration['source'] }> {
  try {
    return { xml: await queryCib(host), source: 'live' };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'cluster_not_running') throw error;
    const xml = await readCibFile(host);
    if (xml === undefined) throw error;
    return { xml, source: 'offline' };
  }
}
