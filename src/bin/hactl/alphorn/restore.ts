import type { Command } from 'commander';

import type { RestoreOptions } from '../../../alphorn/restoring/plan.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print, warn } from '../print.ts';
import { printAccounts } from './accounts.ts';
import { liferaftHint } from './arguments.ts';
import { printDifferences, printWhatStays } from './differences.ts';
import type { AlphornSources } from './sources.ts';

/** Adds `diff`, `restore` and `undo`: what a liferaft changes on this host. */
export function addRestoreCommands(
  alphorn: Command,
  { openRestorer }: AlphornSources,
  onRecord: OnRecord,
): void {
  withRestoreArguments(alphorn.command('diff'))
    .summary('show what a restore would change')
    .description(
      'Shows what a restore would change on this host: everything in the liferaft, or only the given files, links and folders. It names the users and groups that would get another number or vanish, and the files and units that depend on them.',
    )
    .action(async (name: string, chosen: string[], options: RestoreArguments, command: Command) => {
      const { restorer } = await openRestorer(options.root);
      const diff = await restorer.diff(name, orAll(chosen), options);
      diff.warnings?.forEach(warn);
      printData(command, diff, () => {
        printDifferences(diff.differences);
        if (diff.accounts) printAccounts(diff.accounts);
        printWhatStays(diff);
        print(`${diff.differences.length} differ, ${diff.same} are the same.`);
      });
    });

  withRestoreArguments(alphorn.command('restore'))
    .summary('restore this host from a liferaft')
    .description(
      "Restores this host, or the given files, links and folders, from a liferaft. Either all files are restored, or none. What is replaced is kept, and 'hactl alphorn undo' puts it back. Users and groups are merged by name with those of this host. Pacemaker's own files are restored only while Pacemaker is stopped.",
    )
    .option('--dry-run', 'only show what would change')
    .option('--folders', 'also restore the modes and owners of folders that exist here')
    .action(
      async (
        name: string,
        chosen: string[],
        options: RestoreArguments & { dryRun?: true },
        command: Command,
      ) => {
        const { root, replaceUsers, folders } = options;
        const { restorer, host } = await openRestorer(root);
        const asked = [
          'alphorn',
          'restore',
          ...(replaceUsers ? ['--replace-users'] : []),
          ...(folders ? ['--folders'] : []),
          ...(root === undefined ? [] : ['--root', root]),
        ];
        const done = options.dryRun
          ? { dry_run: true, ...(await restorer.diff(name, orAll(chosen), options)) }
          : await onRecord([...asked, name, ...chosen], () =>
              restorer.restore(host, name, orAll(chosen), warn, options),
            );
        done.warnings?.forEach(warn);
        printData(command, done, () => {
          printDifferences(done.differences);
          if (done.accounts) printAccounts(done.accounts);
          printWhatStays(done);
          if (!('kept' in done)) print('Nothing was changed; this is what a restore would change.');
          else if (done.kept === null) print('Nothing had to be changed.');
          else {
            print(
              `Restored ${done.differences.length} paths. What they replaced is kept in ${done.kept}; 'hactl alphorn undo' puts it back.`,
            );
          }
        });
      },
    );

  withOutput(alphorn.command('undo'))
    .summary('undo the latest restore')
    .description(
      'Puts back what the latest restore replaced; called again, what the one before it replaced. Paths that cannot be put back are named, and their copies are kept.',
    )
    .option('--force', 'also put back paths that have changed since; a copy of the change is kept')
    .action(async (options: { force?: true }, command: Command) => {
      const { restorer, host } = await openRestorer();
      const { force = false } = options;
      const undone = await onRecord(['alphorn', 'undo', ...(force ? ['--force'] : [])], () =>
        restorer.undo(host, force, warn),
      );
      printData(command, undone, () => {
        for (const path of undone.paths) print(path);
        const below = undone.root === undefined ? '' : ` below ${undone.root}`;
        print(
          `${undone.paths.length} paths${below} are as they were before the restore of ${undone.liferaft} at ${undone.restoredAt}.`,
        );
      });
    });
}

interface RestoreArguments extends RestoreOptions {
  root?: string;
}

/** What a restore and its diff have in common. */
function withRestoreArguments(command: Command): Command {
  return withOutput(command)
    .argument('<liferaft>', liferaftHint)
    .argument(
      '[path...]',
      'file or link in the liferaft, or a folder for everything in it (default: all)',
    )
    .option(
      '--replace-users',
      'replace the lists of users and groups by those of the liferaft (default: merge them by name)',
    )
    .option(
      '--root <folder>',
      'restore below this folder, such as the mounted disk of another host (default: /)',
    );
}

function orAll(chosen: string[]): string[] | undefined {
  return chosen.length === 0 ? undefined : chosen;
}
