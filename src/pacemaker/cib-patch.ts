import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from '../exec.ts';
import type { Host } from '../host.ts';
import { countersOfCib } from '../parsers/cib.ts';
import { failureOf, refusalOf } from './tool.ts';

/**
 * What tells one CIB from another, as a patch (crm_diff(8)).
 * @param folder where the files for it may be
 * @returns XML, or undefined if nothing does
 * Faults: `cluster_refused` if the new one is not XML that Pacemaker can read, those of Run.
 */
export async function cibDifference(
  host: Host,
  folder: string,
  before: string,
  after: string,
): Promise<string | undefined> {
  const [original, edited] = [join(folder, 'before.xml'), join(folder, 'after.xml')];
  await Promise.all([
    writeFile(original, before, { mode: 0o600 }),
    writeFile(edited, after, { mode: 0o600 }),
  ]);
  const argv = ['crm_diff', '--no-version', '--original', original, '--new', edited] as const;
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  // 0: no difference, 1: there is one. Whatever else it exits with, there is no patch.
  if (outcome.exitCode === 0) return undefined;
  if (outcome.exitCode === 1 && outcome.stdout !== '') return outcome.stdout;
  throw failureOf(argv, outcome);
}

/**
 * Puts a patch of the configuration in place, in one piece (cibadmin(8), `--patch`), if the configuration is still
 * what the patch was made of: one that names a version is taken for that alone.
 *
 * It names `admin_epoch` and `epoch`, never `num_updates`. Each node applies a patch by itself, and two nodes that
 * have the same configuration may have counted the updates of its status differently, for instance after one came
 * back: a patch that names such a count is taken by one node and refused by the other, and the cluster has two
 * configurations from then on (seen with 2.0.5). A count that is not named is not compared
 * (`xml_patch_version_check` in patchset.c).
 *
 * @param base the CIB that it was made of. Not one from later than the one that is there: to that, 3.0 exits with 0
 * and does nothing.
 * @returns whether the configuration was still that; if not, nothing was changed
 * Faults: `cluster_refused`, `cluster_not_running`, those of Run.
 */
export async function patchCib(
  host: Host,
  folder: string,
  patch: string,
  base: string,
): Promise<boolean> {
  const file = join(folder, 'patch.xml');
  await writeFile(file, patch.replace(/(<diff [^>]*>)/, `$1${versionsOf(base)}`), { mode: 0o600 });
  const argv: Command['argv'] = ['cibadmin', '--patch', '--xml-file', file];
  const outcome = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  switch (outcome.exitCode) {
    case 0:
      return true;
    // CRM_EX_OLD
    case 103:
      return false;
    default: {
      const failure = failureOf(argv, outcome);
      throw failure.code === 'tool_failed' ? refusalOf(argv, outcome) : failure;
    }
  }
}

/** crm_diff makes the same of two CIBs of different versions; of one version, it has no next. */
function versionsOf(base: string): string {
  const { adminEpoch, epoch } = countersOfCib(base);
  const of = (name: string, number: number) =>
    `<${name} admin_epoch="${adminEpoch}" epoch="${number}"/>`;
  return `<version>${of('source', epoch)}${of('target', epoch + 1)}</version>`;
}
