import type { Command } from 'commander';

import type { RestoreOptions } from '../../alphorn/restore.ts';
import type { OnRecord } from '../on-record.ts';
import { print, printJson, warn } from '../print.ts';
import { printAccounts } from './accounts.ts';
import { nameHint } from './arguments.ts';
import { printDifferences, printWhatStays } from './differences.ts';
import type { AlphornSources } from './sources.ts';

/** Adds `diff`, `restore` and `undo`: what a liferaft makes of this host. */
export function addRestoreCommands(
  alphorn: Command,
  { openRestorer }: AlphornSources,
  onRecord: OnRecord,
): void {
  const json = ['--json', 'as JSON'] as const;
  const replaceUsers = [
    '--replace-users',
    "take the liferaft's lists of users and groups as they are (default: merged with this host's)",
  ] as const;
  const below = [
    '--root <folder>',
    'restore below this folder, such as the mounted disk of another host (default: this host)',
  ] as const;

  alphorn
    .command('diff')
    .description('what a restore would change on this host')
    .argument('<name>', nameHint)
    .argument('[path...]', pathHint)
    .option(...replaceUsers)
    .option(...below)
    .option(...json)
    .action(async (name: string, chosen: string[], options: RestoreArguments & Json) => {
      const { restorer } = await openRestorer(options.root);
      const diff = await restorer.diff(name, orAll(chosen), options);
      diff.warnings?.forEach(warn);
      if (options.json) {
        printJson(diff);
        return;
      }
      printDifferences(diff.differences);
      if (diff.accounts) printAccounts(diff.accounts);
      printWhatStays(diff);
      print(`${diff.differences.length} differ, ${diff.same} are the same.`);
    });

  alphorn
    .command('restore')
    .description('makes this host as it is in a liferaft, all of it or the paths that are named')
    .argument('<name>', nameHint)
    .argument('[path...]', pathHint)
    .option('--dry-run', 'only say what would change')
    .option(...replaceUsers)
    .option(...below)
    .option('--folders', 'also give folders that are there their modes and owners')
    .option(...json)
    .action(async (name: string, chosen: string[], options: RestoreArguments & DryRun & Json) => {
      const { root, replaceUsers, folders } = options;
      const { restorer, host } = await openRestorer(root);
      const asked = [
        ...['alphorn', 'restore', ...(replaceUsers ? ['--replace-users'] : [])],
        ...(folders ? ['--folders'] : []),
        ...(root === undefined ? [] : ['--root', root]),
      ];
      const done = options.dryRun
        ? { dry_run: true, ...(await restorer.diff(name, orAll(chosen), options)) }
        : await onRecord([...asked, name, ...chosen], () =>
            restorer.restore(host, name, orAll(chosen), warn, options),
          );
      done.warnings?.forEach(warn);
      if (options.json) {
        printJson(done);
        return;
      }
      printDifferences(done.differences);
      if (done.accounts) printAccounts(done.accounts);
      printWhatStays(done);
      if (!('kept' in done)) print('Nothing was done; this is what would change.');
      else if (done.kept === null) print('Nothing had to be changed.');
      else {
        print(
          `Restored ${done.differences.length} paths. What was there is kept in ${done.kept}; 'hactl alphorn undo' puts it back.`,
        );
      }
    });

  alphorn
    .command('undo')
    .description('puts back what the latest restore replaced')
    .option('--force', 'also where something was changed since, of which a copy is kept')
    .option(...json)
    .action(async (options: { force?: true; json?: true }) => {
      const { restorer, host } = await openRestorer();
      const { force = false } = options;
      const undone = await onRecord(['alphorn', 'undo', ...(force ? ['--force'] : [])], () =>
        restorer.undo(host, force, warn),
      );
      if (options.json) {
        printJson(undone);
        return;
      }
      for (const path of undone.paths) print(path);
      const below = undone.root === undefined ? '' : ` below ${undone.root}`;
      print(
        `${undone.paths.length} paths${below} are as they were before the restore of ${undone.liferaft} at ${undone.restoredAt}.`,
      );
    });
}

interface Json {
  json?: true;
}

interface DryRun {
  dryRun?: true;
}

interface RestoreArguments extends RestoreOptions {
  root?: string;
}

const pathHint = 'a file or link of the liferaft, or a folder for all that is in it (default: all)';

function orAll(chosen: string[]): string[] | undefined {
  return chosen.length === 0 ? undefined : chosen;
}
