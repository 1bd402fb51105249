import type { Command } from 'commander';

import { exportLiferaft } from '../../../alphorn/format/export.ts';
import type { Manifest } from '../../../alphorn/format/manifest.ts';
import { Fault } from '../../../kit/fault.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { liferaftHint } from './arguments.ts';
import type { AlphornSources } from './sources.ts';

/** Adds `list`, `show`, `delete`, `export` and `import`: the liferafts of other hosts that are here. */
export function addLiferaftCommands(
  alphorn: Command,
  { openStore }: AlphornSources,
  onRecord: OnRecord,
): void {
  withOutput(alphorn.command('list'))
    .summary('list the liferafts of other hosts on this one')
    .description('Lists the liferafts that other hosts have sent to this one.')
    .action(async (_options: unknown, command: Command) => {
      const all = await (await openStore()).list();
      printData(command, all, () => {
        printTable(
          ['NAME', 'HOST', 'GENERATION', 'BYTES', 'MADE', 'SEEN'],
          all.map((each) =>
            'damaged' in each
              ? [each.name, 'damaged']
              : 'laterFormat' in each
                ? [each.name, 'made by a later version']
                : [
                    each.name,
                    each.host.name,
                    each.generation,
                    each.size,
                    each.madeAt,
                    each.whole ? each.seenAt : `${each.seenAt}, not whole`,
                  ],
          ),
        );
      });
    });

  withOutput(alphorn.command('show'))
    .summary('show what a liferaft contains')
    .description('Shows which files, folders and links a liferaft contains.')
    .argument('<liferaft>', liferaftHint)
    .action(async (name: string, _options: unknown, command: Command) => {
      const file = await (await openStore()).open(name);
      await file.close();
      const { manifest } = file;
      printData(command, manifest, () => {
        printManifest(manifest);
      });
    });

  withOutput(alphorn.command('delete'))
    .summary('delete liferafts from this host')
    .description('Deletes liferafts from this host. A host that is alive sends its own again.')
    .argument('[liferaft...]', liferaftHint)
    .option('--all', 'delete all liferafts on this host, including former generations')
    .action(async (names: string[], options: { all?: true }, command: Command) => {
      if ((names.length === 0) !== (options.all === true)) {
        throw new Fault(
          'invalid_request',
          'Nothing was deleted: name the liferafts to delete, or use --all.',
        );
      }
      const store = await openStore();
      const removed = await onRecord(
        ['alphorn', 'delete', ...(options.all ? ['--all'] : names)],
        async () => {
          for (const name of names) await store.remove(name);
          return options.all ? store.removeAll() : names;
        },
      );
      printData(command, removed, () => {
        for (const name of removed) print(name);
      });
    });

  alphorn
    .command('export')
    .summary('copy a liferaft to a file')
    .description(
      'Copies a liferaft to a new file, to be carried to a host that has nothing yet. The file contains all secrets of its host.',
    )
    .argument('<liferaft>', liferaftHint)
    .argument('<file>', 'file to create; only root may read it')
    .action(async (name: string, file: string) => {
      const store = await openStore();
      await onRecord(['alphorn', 'export', name, file], () => exportLiferaft(store, name, file));
    });

  withOutput(alphorn.command('import'))
    .summary('add a liferaft from a file')
    .description(
      "Adds a liferaft from a file that 'hactl alphorn export' made on another host, and prints its name.",
    )
    .argument('<file>', "file that 'hactl alphorn export' made")
    .action(async (file: string, _options: unknown, command: Command) => {
      const store = await openStore();
      const { name, generation, digest } = await onRecord(['alphorn', 'import', file], () =>
        store.importFile(file),
      );
      printData(command, { name, generation, digest }, () => {
        print(name);
      });
    });
}

function printManifest(manifest: Manifest): void {
  const { host, generation, time, folders, files, links, lacking = [] } = manifest;
  print(`Host ${host.id} (${host.name}), generation ${generation}, made ${time}`);
  for (const { path, why } of lacking) print(`Lacking: ${path}: ${why}`);
  const owner = (item: { user: string | null; group: string | null; uid: number; gid: number }) =>
    `${item.user ?? item.uid}:${item.group ?? item.gid}`;
  const mode = (type: string, bits: number) => `${type}${bits.toString(8).padStart(4, '0')}`;
  const rows = [
    ...folders.map((each) => [each.path, mode('d', each.mode), owner(each), '-', `${each.path}/`]),
    ...files.map((each) => [each.path, mode('-', each.mode), owner(each), each.size, each.path]),
    ...links.map((each) => [each.path, 'l', owner(each), '-', `${each.path} -> ${each.target}`]),
  ].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  printTable(
    ['MODE', 'OWNER', 'BYTES', 'PATH'],
    rows.map(([, ...row]) => row),
  );
}
