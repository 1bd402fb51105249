import type { AccountChange } from '../../alphorn/accounts/merge.ts';
import type { AccountsReport, FileList } from '../../alphorn/accounts/restored-accounts.ts';
import { print } from '../print.ts';

/** How many lines there are of one kind; `--json` has all that is known. */
const mostLines = 50;

/** What a restore does to users and groups, for people. */
export function printAccounts({
  changes,
  ranges,
  handedOver,
  orphaned,
  search,
  units,
}: AccountsReport): void {
  printSome(changes.map(wordsOf));
  printSome(
    ranges.map(
      ({ file, name, here, after }) =>
        `${file}: ${name} gets ${after} instead of ${here}; what its containers own keeps its numbers`,
    ),
  );
  printFiles(
    'Files outside of the liferaft that go with their account',
    handedOver,
    (file) => `${file.path}: owner ${file.owner} -> ${file.after}`,
  );
  printFiles(
    'Files outside of the liferaft that nobody owns then',
    orphaned,
    (file) => `${file.path}: owner ${file.owner}`,
  );
  for (const { path, account } of units) {
    print(`${path} will fail: it runs as the ${account}, which is not there then.`);
  }
  if (search.looked === 0) return;
  const extent = search.complete ? 'all of it' : 'NOT all of it; other files keep their numbers';
  print(`Searched for such files: ${search.where} (${search.looked} looked at, ${extent}).`);
}

function wordsOf({ kind, name, change, here, after, liferaft, heir }: AccountChange): string {
  const what = {
    added: `is new, with the number ${after ?? '?'}`,
    renumbered: `gets the number ${after ?? '?'} instead of ${here ?? '?'}`,
    vanishes: `vanishes (number ${here ?? '?'})`,
    kept: `keeps the number ${here ?? '?'}`,
  }[change];
  const isOther = liferaft !== null && after !== null && liferaft !== after;
  const inherits = heir === undefined ? '' : `; ${heir} has it then, with the files of ${name}`;
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
  for (const line of lines.slice(0, mostLines)) print(line);
  if (lines.length > mostLines) print(`… and ${lines.length - mostLines} more; see --json.`);
}
