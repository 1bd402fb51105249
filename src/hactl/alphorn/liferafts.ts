import type { Command } from 'commander';

import { exportLiferaft } from '../../alphorn/export.ts';
import type { Manifest } from '../../alphorn/manifest.ts';
import { Fault } from '../../errors.ts';
import type { OnRecord } from '../on-record.ts';
import { print, printJson, printTable } from '../print.ts';
import { nameHint } from './arguments.ts';
import type { AlphornSources } from './sources.ts';

/** Adds `list`, `show`, `delete`, `export` and `import`: the liferafts of other hosts that are here. */
export function addLiferaftCommands(
  alphorn: Command,
  { openStore }: AlphornSources,
  onRecord: OnRecord,
): void {
  const json = ['--json', 'as JSON'] as const;

  alphorn
    .command('list')
    .description('the liferafts of other hosts that are here')
    .option(...json)
    .action(async (options: { json?: true }) => {
      const all = await (await openStore()).list();
      if (options.json) {
        printJson(all);
        return;
      }
      printTable(
        ['NAME', 'HOST', 'GENERATION', 'BYTES', 'MADE', 'SEEN'],
        all.map((each) =>
          'damaged' in each
            ? [each.name, 'damaged']
            : 'laterFormat' in each
              ? [each.name, 'made by a later version']
              : [
                  ...[each.name, each.host.name, each.generation, each.size, each.madeAt],
                  each.whole ? each.seenAt : `${each.seenAt}, not whole`,
                ],
        ),
      );
    });

  alphorn
    .command('show')
    .description('what is in a liferaft')
    .argument('<name>', nameHint)
    .option(...json)
    .action(async (name: string, options: { json?: true }) => {
      const file = await (await openStore()).open(name);
      await file.close();
      if (options.json) printJson(file.manifest);
      else printManifest(file.manifest);
    });

  alphorn
    .command('delete')
    .description('removes liferafts from this host; a host that lives sends its own again')
    .argument('[name...]', nameHint)
    .option('--all', 'all that are here, former generations too')
    .option(...json)
    .action(async (names: string[], options: { all?: true; json?: true }) => {
      if ((names.length === 0) !== (options.all === true)) {
        throw new Fault(
          'invalid_request',
          'Name what to delete, or say --all. Nothing was deleted.',
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
      if (options.json) printJson(removed);
      else for (const name of removed) print(name);
    });

  alphorn
    .command('export')
    .description('copies a liferaft to a file, to be carried to a host that has nothing yet')
    .argument('<name>', nameHint)
    .argument('<file>', 'a new file; it holds the secrets of that host')
    .action(async (name: string, file: string) => {
      const store = await openStore();
      await onRecord(['alphorn', 'export', name, file], () => exportLiferaft(store, name, file));
    });

  alphorn
    .command('import')
    .description('takes in a liferaft from a file that was exported on another host')
    .argument('<file>', "what 'hactl alphorn export' made")
    .option(...json)
    .action(async (file: string, options: { json?: true }) => {
      const store = await openStore();
      const { name, generation, digest } = await onRecord(['alphorn', 'import', file], () =>
        store.importFile(file),
      );
      if (options.json) printJson({ name, generation, digest });
      else print(name);
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
