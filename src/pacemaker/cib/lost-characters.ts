import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import type { Command } from '../../kit/exec.ts';
import type { PacemakerHost } from '../paths.ts';
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
 * The characters that this Pacemaker does not store in a value. Before 3.0, its own escaping (`crm_xml_escape` in
 * libcrmcommon) damages some on their way into the CIB, and the tool exits with 0. 2.0 writes each byte outside ASCII as
 * octal text. 2.1 escapes nothing after the first character outside ASCII, so that a quote there ends the value.
 */
export interface LostCharacters {
  /** Lost at any position: ASCII characters, and `nonAscii` for all others. */
  anywhere: ReadonlySet<string>;
  /** Lost after a character outside ASCII. */
  afterNonAscii: ReadonlySet<string>;
}

export type LostCharactersReader = () => Promise<LostCharacters>;

/** Stands for each character outside ASCII. */
export const nonAscii = 'non-ascii';

const asciiCharacters = ['\t', "'", '&', '>', '<', '"'] as const;
/** Characters of two to four bytes in UTF-8. */
const nonAsciiCharacters = ['é', '日', '😀'] as const;

/** The values to try, and the character that is lost if the value is not stored. */
const trials: readonly { value: string; lost: string; isAfter: boolean }[] = [
  ...nonAsciiCharacters.map((value) => ({ value, lost: nonAscii, isAfter: false })),
  ...asciiCharacters.map((each) => ({ value: `a${each}`, lost: each, isAfter: false })),
  // Characters that end a value or begin an element come last, because they may damage what follows.
  ...asciiCharacters.map((each) => ({ value: `é${each}`, lost: each, isAfter: true })),
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
 * Finds the lost characters by a dry run: it applies a patch to a CIB in a file (`CIB_file`, cibadmin(8)). The cluster need
 * not run. The result is cached until Pacemaker is installed again.
 * @param memory a folder in memory
 * Faults of the reader: `tool_failed`, `unreadable_output`, `no_space`, those of Run.
 */
export function makeLostCharactersReader(
  host: PacemakerHost,
  memory: string,
): LostCharactersReader {
  const files = daemonFiles(host);
  return cacheByStamp(
    async () => (await Promise.all([toolStamp('cibadmin'), ...files.map(fileStamp)])).join(),
    () => inMemoryFolder(memory, (folder) => tryOn(host, join(folder, 'cib.xml'))),
  );
}

async function tryOn(host: PacemakerHost, file: string): Promise<LostCharacters> {
  await writeFile(file, writeXml(base), { mode: 0o600 });
  const onFile: PacemakerHost = {
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
      'cibadmin did not store a plain value in a dry run on a file, so it is unknown which characters it stores. See whether all packages of Pacemaker on this node have the same version.',
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
  const lostIf = (isAfter: boolean) =>
    new Set(lost.filter((each) => each.isAfter === isAfter).map((each) => each.lost));
  const anywhere = lostIf(false);
  // If no character outside ASCII is stored, the trials with one show nothing about the others.
  return { anywhere, afterNonAscii: anywhere.has(nonAscii) ? anywhere : lostIf(true) };
}

/**
 * The characters in a text that are lost, each once.
 * @returns `first` is the character outside ASCII after which some of them are lost; undefined if there is none
 */
export function lostIn(
  text: string,
  { anywhere, afterNonAscii }: LostCharacters,
): { characters: string[]; first: string | undefined } {
  const found = new Set<string>();
  let first: string | undefined;
  let isAfter = false;
  for (const character of text) {
    const isNonAscii = character > '\u007f';
    const kind = isNonAscii ? nonAscii : character;
    if (first === undefined ? anywhere.has(kind) : afterNonAscii.has(kind)) {
      found.add(character);
      isAfter ||= first !== undefined && !anywhere.has(kind);
    }
    if (isNonAscii) first ??= character;
  }
  return { characters: [...found], first: isAfter ? first : undefined };
}
