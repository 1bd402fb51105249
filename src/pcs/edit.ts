import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { escaped } from '../parsers/xml-edit.ts';
import { hidePairs, isSecretName } from '../secrets.ts';

/** A word of pcs's command line; a pair becomes `name=value`. */
export type PcsWord = string | readonly [name: string, value: string];

/**
 * Lets pcs edit a CIB that is a file (`pcs -f`). A secret does not stand in its command line, where every
 * user of the node could read it: pcs gets a word in its place, which is replaced in what pcs wrote. Nor does
 * pcs see those of the CIB, for since 0.12 it lets stonith_admin check all parameters of what it updates, by
 * the command line.
 * @param folder where the file may be
 * @param warn gets what pcs had to say, line by line
 * @returns the CIB that pcs made of it
 * Faults: `cluster_refused` with pcs's words, those of Run.
 */
export async function editWithPcs(
  host: Host,
  folder: string,
  xml: string,
  words: readonly PcsWord[],
  warn: (text: string) => void,
): Promise<string> {
  // As they are written in XML.
  const secrets = new Map<string, string>();
  const hide = (value: string): string => {
    const standIn = `secret-${randomBytes(16).toString('hex')}`;
    secrets.set(standIn, value);
    return standIn;
  };
  const args = words.map((word) => {
    if (typeof word === 'string') return word;
    const [name, value] = word;
    return value === '' || !isSecretName(name)
      ? `${name}=${value}`
      : `${name}=${hide(escaped(value))}`;
  });
  const file = join(folder, 'cib.xml');
  await writeFile(file, hidePairs(xml, hide), { mode: 0o600 });
  const argv = ['pcs', '-f', file, ...args] as const;
  const { exitCode, stdout, stderr } = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  // pcs knows one failure only, 1, and says on stderr what it is.
  if (exitCode !== 0) {
    throw new Fault(
      'cluster_refused',
      `pcs refused the change; nothing of it was done. Why is in 'stderr'.`,
      { command: { argv, exitCode, stderr } },
    );
  }
  // pcs 0.10 has its warnings on stdout.
  for (const line of `${stdout}\n${stderr}`.split('\n')) if (line.trim() !== '') warn(line.trim());
  const edited = await readFile(file, 'utf8');
  return [...secrets].reduce(
    // Not as text, in which a dollar sign means something.
    (sofar, [standIn, value]) => sofar.replaceAll(standIn, () => value),
    edited,
  );
}
