import { Command } from 'commander';

import type { ListedRestore } from '../../../alphorn/restoring/saved-restores.ts';
import { keepLimits } from '../../../alphorn/restoring/limits.ts';
import { Fault } from '../../../kit/fault.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import type { AlphornSources } from './sources.ts';

/** `hactl alphorn restores`: what is saved of restores on this host. */
export function restoresCommand({ openRestorer }: AlphornSources, onRecord: OnRecord): Command {
  const restores = withOutput(new Command('restores'))
    .summary('list the restores that can be undone')
    .description(
      `Lists the restores that can be undone, because what they replaced is kept. At most ${keepLimits.restores} restores, ${keepLimits.bytes / 1024 ** 3} GiB and ${keepLimits.days} days are kept, and the latest restore in any case.`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { restorer } = await openRestorer();
      const all = await restorer.listSaved();
      printData(command, all, () => {
        printRestores(all);
      });
    });

  withOutput(restores.command('drop'))
    .summary('delete what is kept of restores')
    .description('Deletes what is kept of restores. They cannot be undone after that.')
    .argument('[restore...]', "number of the restore, from 'hactl alphorn restores'")
    .option('--all', 'drop all restores that are kept')
    .option('--force', 'also drop a restore that is half done, and leave its paths as they are')
    .action(async (ids: string[], { all, force = false }: DropOptions, command: Command) => {
      if ((ids.length === 0) !== (all === true)) {
        throw new Fault(
          'invalid_request',
          'Nothing was dropped: name the restores to drop, or use --all.',
        );
      }
      const { restorer } = await openRestorer();
      const flags = [...(all ? ['--all'] : []), ...(force ? ['--force'] : [])];
      const dropped = await onRecord(['alphorn', 'restores', 'drop', ...flags, ...ids], () =>
        restorer.drop(all ? undefined : ids, force),
      );
      printData(command, dropped, () => {
        for (const id of dropped) print(id);
      });
    });

  return restores;
}

interface DropOptions {
  all?: true;
  force?: boolean;
}

function printRestores(all: readonly ListedRestore[]): void {
  printTable(
    ['RESTORE', 'STATE', 'AT', 'LIFERAFT', 'PATHS', 'BYTES', 'KEPT IN'],
    all.map(({ id, state, at = '-', liferaft = '-', paths = '-', bytes = '-', folder }) => [
      id,
      state,
      at,
      liferaft,
      paths,
      bytes,
      folder,
    ]),
  );
  printProblems(all);
}

/** Prints what is wrong with restores, and what to do. */
export function printProblems(restores: readonly ListedRestore[]): void {
  for (const { id, problem } of restores) {
    if (problem !== undefined) print(`Restore ${id}: ${problem}`);
  }
}
