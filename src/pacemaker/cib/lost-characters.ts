import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import type { Command } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { inMemoryFolder } from '../../kit/files/memory-files.ts';
import {
  type EditableXml,
  newElement,
  parseEditableXml,
  walk,
  writeXml,
} from '../../parsers/xml-edit.ts';
import { fileStamp, toolStamp } from '../../kit/files/stamps.ts';
import { daemonFiles } from '../daemons.ts';
import type { CibDifference } from './cib-differences.ts';
import { cibPatch } from './cib-patch.ts';
import { failureOf, parseOutput } from '../tool.ts';

/**
 * The signs that this Pacemaker does not keep in a value. Before 3.0 its own escaping (`crm_xml_escape` in libcrmcommon)
 * damages some on their way into the CIB, and the tool exits with 0: 2.0 writes each byte beyond ASCII as octal text; 2.1
 * escapes nothing behind the first sign beyond ASCII, so that a quote there ends the value.
 */
export interface LostCharacters {
  /** Lost wherever they stand: signs of ASCII, and `beyond` for all others. */
  anywhere: ReadonlySet<string>;
  /** Lost behind a sign beyond ASCII. */
  behindBeyond: ReadonlySet<string>;
}

export type LostCharactersReader = () => Promise<LostCharacters>;

/** Stands for each sign beyond ASCII. */
export const beyond = 'beyond';

const signs = ['\t', "'", '&', '>', '<', '"'] as const;
/** Of two to four bytes in UTF-8. */
const signsBeyond = ['é', '日', '😀'] as const;

/** What is tried: a value, and what is lost with it. */
const trials: readonly { value: string; lost: string; behind: boolean }[] = [
  ...signsBeyond.map((value) => ({ value, lost: beyond, behind: false })),
  ...signs.map((sign) => ({ value: `a${sign}`, lost: sign, behind: false })),
  // Those that end a value or begin an element come last, for they may take what follows with them.
  ...signs.map((sign) => ({ value: `é${sign}`, lost: sign, behind: true })),
];

const control = { id: 'control', name: 'control', value: 'plain' };
const counters = { admin_epoch: '0', epoch: '1', num_updates: '0' };
const base = newElement(
  'cib',
  { crm_feature_set: '3.0.14', 'validate-with': 'pacemaker-3.0', ...counters },
  [
    newElement(
      'configuration',
      {},
      ['crm_config', 'nodes', 'resources', 'constraints'].map((name) => newElement(name, {})),
    ),
    newElement('status', {}),
  ],
);

/**
 * Finds the lost signs by a dry run: a patch like those of all changes, on a CIB in a file (`CIB_file`, cibadmin(8)).
 * The cluster need not run. The result is kept until Pacemaker is installed again.
 * @param memory a folder in memory
 * Faults of the reader: `tool_failed`, `unreadable_output`, `no_space`, those of Run.
 */
export function makeLostCharactersReader(host: Host, memory: string): LostCharactersReader {
  const files = daemonFiles(host);
  return cacheByStamp(
    async () => (await Promise.all([toolStamp('cibadmin'), ...files.map(fileStamp)])).join(),
    () => inMemoryFolder(memory, (folder) => tryOn(host, join(folder, 'cib.xml'))),
  );
}

async function tryOn(host: Host, file: string): Promise<LostCharacters> {
  await writeFile(file, writeXml(base), { mode: 0o600 });
  const onFile: Host = {
    ...host,
    run: (command) => host.run({ ...command, env: { CIB_file: file } }),
  };
  const pairs = trials.map(({ value }, index) =>
    newElement('nvpair', { id: `trial-${index}`, name: `trial-${index}`, value }),
  );
  const path = '/cib/configuration/crm_config';
  const differences = [newElement('nvpair', control), ...pairs].map(
    (pair, position): CibDifference => ({
      operation: 'create',
      path,
      position,
      element: newElement('cluster_property_set', { id: `set-${position}` }, [pair]),
    }),
  );
  const argv: Command['argv'] = ['cibadmin', '--patch', '--xml-pipe'];
  const input = cibPatch(differences, base);
  const outcome = await onFile.run({ argv, input, deadlineMs: host.readDeadlineMs });
  if (outcome.exitCode !== 0) throw failureOf(argv, outcome);
  const values = await parseOutput(onFile, ['cibadmin', '--query'], (text) =>
    valuesIn(parseEditableXml(text)),
  );
  if (values.get(control.id) !== control.value) {
    throw new Fault(
      'tool_failed',
      'cibadmin did not keep a plain value in a dry run on a file, so nobody can tell which signs it keeps. Look whether the packages of Pacemaker on this node are of one version.',
    );
  }
  return verdictOf(values);
}

function valuesIn(cib: EditableXml): Map<string, string | undefined> {
  return new Map(
    [...walk(cib)].map(({ element: { attributes } }) => [
      attributes['id'] ?? '',
      attributes['value'],
    ]),
  );
}

function verdictOf(values: ReadonlyMap<string, string | undefined>): LostCharacters {
  const lost = trials.filter(({ value }, index) => values.get(`trial-${index}`) !== value);
  const lostIf = (behind: boolean) =>
    new Set(lost.filter((each) => each.behind === behind).map((each) => each.lost));
  const anywhere = lostIf(false);
  // Where no sign beyond ASCII is kept, the others are not to blame.
  return { anywhere, behindBeyond: anywhere.has(beyond) ? anywhere : lostIf(true) };
}

/** The signs in a text that are lost, each once; with `first`, the sign beyond ASCII that some of them stand behind. */
export function lostIn(
  text: string,
  { anywhere, behindBeyond }: LostCharacters,
): { signs: string[]; first: string | undefined } {
  const found = new Set<string>();
  let first: string | undefined;
  let isBehind = false;
  for (const sign of text) {
    const isBeyond = sign > '\u007f';
    const kind = isBeyond ? beyond : sign;
    if (first === undefined ? anywhere.has(kind) : behindBeyond.has(kind)) {
      found.add(sign);
      isBehind ||= first !== undefined && !anywhere.has(kind);
    }
    if (isBeyond) first ??= sign;
  }
  return { signs: [...found], first: isBehind ? first : undefined };
}
