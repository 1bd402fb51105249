import { parseAccountNumbers } from '../../../parsers/accounts.ts';
import type { LiferaftFile } from '../../format/liferaft-file.ts';
import { readable, textOf } from './account-texts.ts';
import type { AccountTexts } from './merge/account-files.ts';
import type { MergedAccounts } from './merge/merge.ts';
import type { AccountsReport } from './report.ts';
import { isUnit, maxUnitBytes, readUnitFiles } from './unit-files.ts';
import { runsAs } from './units.ts';

/** Finds units that run as an account that vanishes, and units of the liferaft whose account will not exist. */
export async function failingUnits(
  file: LiferaftFile,
  root: string,
  isChosen: (item: { path: string }) => boolean,
  here: AccountTexts,
  { numbers: { users, groups } }: MergedAccounts,
): Promise<AccountsReport['units']> {
  const restored = file.manifest.files.filter(
    (item) => isUnit(item.path) && isChosen(item) && item.size <= maxUnitBytes,
  );
  const hadUser = parseAccountNumbers(readable(here['/etc/passwd'] ?? ''));
  const hadGroup = parseAccountNumbers(readable(here['/etc/group'] ?? ''));
  if (restored.length === 0 && users.gone.size === 0 && groups.gone.size === 0) return [];
  const texts = new Map(await readUnitFiles(root));
  const theirs = new Set(restored.map(({ path }) => path));
  for (const item of restored) texts.set(item.path, readable(await textOf(file, item)));
  const failing: { path: string; account: string }[] = [];
  for (const [path, text] of texts) {
    const named = runsAs(text);
    const isMissing = (
      name: string,
      had: ReadonlyMap<string, number>,
      after: ReadonlyMap<string, number>,
    ) => !after.has(name) && (had.has(name) || theirs.has(path));
    for (const name of named.users) {
      if (isMissing(name, hadUser, users.after)) failing.push({ path, account: `user ${name}` });
    }
    for (const name of named.groups) {
      if (isMissing(name, hadGroup, groups.after)) failing.push({ path, account: `group ${name}` });
    }
  }
  return failing;
}
