import type { AccountChange } from '../../../alphorn/restoring/accounts/merge/changes.ts';
import type { AccountsReport, FileList } from '../../../alphorn/restoring/accounts/report.ts';
import { print } from '../print.ts';

/** How many lines of one kind are printed; the JSON has all. */
const maxLines = 50;

/** Prints what a restore does to users and groups. */
export function printAccounts({
  changes,
  ranges,
  handedOver,
  orphaned,
  search,
  units,
}: AccountsReport): void {
  printSome(changes.map(changeLine));
  printSome(
    ranges.map(
      ({ file, name, here, after }) =>
        `${file}: ${name} gets ${after} instead of ${here}; files of its containers keep their numbers`,
    ),
  );
  printFiles(
    'Files outside of the liferaft that change owner with their account',
    handedOver,
    (file) => `${file.path}: owner ${file.owner} -> ${file.after}`,
  );
  printFiles(
    'Files outside of the liferaft that will have no owner',
    orphaned,
    (file) => `${file.path}: owner ${file.owner}`,
  );
  for (const { path, account } of units) {
    print(`${path} will fail: it runs as the ${account}, which will not exist.`);
  }
  if (search.looked === 0) return;
  const extent = search.complete ? 'complete' : 'NOT complete: other files keep their numbers';
  print(`Searched for such files: ${search.where} (${search.looked} paths, ${extent}).`);
}

function changeLine({ kind, name, change, here, after, liferaft, heir }: AccountChange): string {
  const what = {
    added: `is added with the number ${after ?? '?'}`,
    renumbered: `gets the number ${after ?? '?'} instead of ${here ?? '?'}`,
    vanishes: `vanishes (number ${here ?? '?'})`,
    kept: `keeps the number ${here ?? '?'}`,
  }[change];
  const isOther = liferaft !== null && after !== null && liferaft !== after;
  const inherits =
    heir === undefined ? '' : `; ${heir} gets that number, and so the files of ${name}`;
  return `${kind} ${name} ${what}${inherits}${isOther ? `; it is ${liferaft} in the liferaft` : ''}`;
}

function printFiles(
  head: string,
  { total, first }: FileList,
  lineOf: (file: FileList['first'][number]) => string,
): void {
  if (total === 0) return;
  print(`${head}: ${total}`);
  printSome(first.map((file) => `  ${lineOf(file)}`));
}

function printSome(lines: readonly string[]): void {
  for (const line of lines.slice(0, maxLines)) print(line);
  if (lines.length > maxLines) print(`… and ${lines.length - maxLines} more; -o json shows all.`);
}
