import { Command } from 'commander';

import type { ListedRestore } from '../../alphorn/restore/kept-restores.ts';
import { Fault } from '../../errors.ts';
import type { OnRecord } from '../on-record.ts';
import { print, printJson, printTable } from '../print.ts';
import type { AlphornSources } from './sources.ts';

/** `hactl alphorn restores`: what is kept of restores on this host. */
export function restoresCommand({ openRestorer }: AlphornSources, onRecord: OnRecord): Command {
  const json = ['--json', 'as JSON'] as const;
  const restores = new Command('restores')
    .description('what is kept of former restores, so that they can be taken back')
    .option(...json)
    .action(async (options: { json?: true }) => {
      const { restorer } = await openRestorer();
      const all = await restorer.kept();
      if (options.json) printJson(all);
      else printRestores(all);
    });

  restores
    .command('drop')
    .description('removes what is kept of restores, which then cannot be taken back any more')
    .argument('[restore...]', "the number of a restore, from 'hactl alphorn restores'")
    .option('--all', 'all that are kept')
    .option('--force', 'also one that is half done, which leaves it so')
    .option(...json)
    // The command above has --json too, and takes it.
    .action(async (ids: string[], _options: DropOptions, command: Command) => {
      const { all, force = false, json } = command.optsWithGlobals<DropOptions>();
      if ((ids.length === 0) !== (all === true)) {
        throw new Fault('invalid_request', 'Name what to drop, or say --all. Nothing was dropped.');
      }
      const { restorer } = await openRestorer();
      const flags = [...(all ? ['--all'] : []), ...(force ? ['--force'] : [])];
      const dropped = await onRecord(['alphorn', 'restores', 'drop', ...flags, ...ids], () =>
        restorer.drop(all ? undefined : ids, force),
      );
      if (json) printJson(dropped);
      else for (const id of dropped) print(id);
    });

  return restores;
}

interface DropOptions {
  all?: true;
  force?: true;
  json?: true;
}

function printRestores(all: readonly ListedRestore[]): void {
  printTable(
    ['RESTORE', 'STATE', 'AT', 'LIFERAFT', 'PATHS', 'BYTES', 'KEPT IN'],
    all.map(({ id, state, at = '-', liferaft = '-', paths = '-', bytes = '-', folder }) => [
      ...[id, state, at, liferaft, paths, bytes, folder],
    ]),
  );
  printProblems(all);
}

/** What is wrong with restores, and what to do. */
export function printProblems(restores: readonly ListedRestore[]): void {
  for (const { id, problem } of restores)
    if (problem !== undefined) print(`Restore ${id}: ${problem}`);
}
