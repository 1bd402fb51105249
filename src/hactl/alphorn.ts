import { createReadStream } from 'node:fs';

import { Command } from 'commander';

import { makeDaemonClient } from '../alphorn/daemon-client.ts';
import type { DaemonStatus, OwnLiferaftStatus } from '../alphorn/daemon-status.ts';
import type { Difference } from '../alphorn/diff.ts';
import { exportLiferaft } from '../alphorn/export.ts';
import type { Manifest } from '../alphorn/manifest.ts';
import { exportOwnKey, generateOwnKey, importOwnKey } from '../alphorn/own-key.ts';
import { beginLineageByRoot } from '../alphorn/peers/lineage-by-root.ts';
import { pathsBelow } from '../alphorn/restore/other-root.ts';
import { type LiferaftDiff, makeRestorer, type RestoreOptions } from '../alphorn/restore.ts';
import { type AlphornStatus, readAlphornStatus } from '../alphorn/status.ts';
import { loadConfig } from '../config.ts';
import { makeHost, makeLiferaftStore } from '../deps.ts';
import { Fault, systemErrorCode } from '../errors.ts';
import { makeRun } from '../exec.ts';
import { makeLog } from '../log.ts';
import { debianPaths, type Paths } from '../paths.ts';
import { printAccounts } from './alphorn-accounts.ts';
import { printProblems, restoresCommand } from './alphorn-restores.ts';
import { makeOnRecord, type OnRecord } from './on-record.ts';
import { print, printJson, printTable, printText, warn } from './print.ts';

/**
 * `hactl alphorn …`: what this host sends, and the liferafts of other hosts that are here. No agent has to run.
 * @param onRecord for what changes something or gives out a secret; a sync does neither
 */
export function alphornCommand(
  allPaths: Paths = debianPaths,
  onRecord: OnRecord = makeOnRecord({ holdOff: (work) => work() }),
): Command {
  const paths = allPaths.alphorn;
  const openStore = async () => makeLiferaftStore(await loadConfig(process.env), allPaths);
  const openRestorer = async (root?: string) => {
    const config = await loadConfig(process.env);
    const host = makeHost(config, makeRun(makeLog('silent')), allPaths);
    const alphornPaths = root === undefined ? paths : await pathsBelow(paths, root);
    const into = { ...host, paths: { ...allPaths, alphorn: alphornPaths } };
    return { host, restorer: makeRestorer(into, makeLiferaftStore(config, allPaths)) };
  };
  const alphorn = new Command('alphorn').description(
    'copies of what a host is made of (liferafts): sent to other hosts, and those of other hosts here',
  );
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
    .command('status')
    .description('what this host sends where, and how that goes')
    .option(...json)
    .action(async (options: { json?: true }) => {
      const status = await readAlphornStatus(makeDaemonClient(paths.socket), paths);
      if (options.json) printJson(status);
      else printStatus(status);
    });

  alphorn
    .command('sync')
    .description('looks for changes now and sends what has changed, without waiting')
    .option(...json)
    .action(async (options: { json?: true }) => {
      const status = await makeDaemonClient(paths.socket).sync();
      if (options.json) printJson(status);
      else printStatus(status);
      checkSynced(status);
    });

  alphorn
    .command('rebuilt')
    .description(
      'says that this host as it is now counts, where destinations have a newer state of it or take it for a clone',
    )
    .action(async () => {
      await onRecord(['alphorn', 'rebuilt'], () => beginLineageByRoot(paths.own));
      print(
        "From the next round on, destinations take this host's liferaft in; what they have of it becomes a former one. 'hactl alphorn sync' begins a round.",
      );
    });

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

  alphorn.addCommand(restoresCommand(openRestorer, onRecord));
  alphorn.addCommand(keyCommand(paths.key, onRecord));
  return alphorn;
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

/** The key for hosts outside of the cluster. It never stands in a command line, where every user could read it. */
function keyCommand(path: string, onRecord: OnRecord): Command {
  const key = new Command('key').description(
    'the key that this host shares with hosts outside of its cluster',
  );
  key
    .command('generate')
    .description('makes a new one; a former one is good for an hour more')
    .action(async () => {
      await onRecord(['alphorn', 'key', 'generate'], () => generateOwnKey(path));
      print(
        `A new key is in ${path}. Bring it to the other hosts: 'hactl alphorn key export' here, 'hactl alphorn key import' there.`,
      );
    });
  key
    .command('import')
    .description('takes that of another host, from a file or the standard input')
    .argument('[file]', "what 'hactl alphorn key export' printed there (default: standard input)")
    .action(async (file?: string) => {
      // Before, for who types it in may also give it up.
      const text = await keyTextOf(file);
      await onRecord(['alphorn', 'key', 'import'], () => importOwnKey(path, text));
    });
  key
    .command('export')
    .description('prints it')
    .action(async () => {
      print(await onRecord(['alphorn', 'key', 'export'], () => exportOwnKey(path)));
    });
  return key;
}

/** More than a key has, whatever white space is around it: no need to read on. */
const maxKeyLength = 4096;

/**
 * Reads the file, or the standard input, up to the length at which it cannot be a key any more.
 * Faults: `invalid_request`
 */
async function keyTextOf(file: string | undefined): Promise<string> {
  const source = file === undefined || file === '-' ? process.stdin : createReadStream(file);
  let text = '';
  try {
    for await (const piece of source) {
      text += String(piece);
      if (text.length > maxKeyLength) break;
    }
  } catch (error) {
    const code = systemErrorCode(error);
    const what = file ?? 'The standard input';
    if (code === 'ENOENT')
      throw new Fault('invalid_request', `There is no file ${what}. Name one that has the key.`);
    if (code === 'EISDIR')
      throw new Fault('invalid_request', `${what} is a folder. Name a file that has the key.`);
    throw error;
  }
  return text;
}

const nameHint = "its name, from 'hactl alphorn list'";
const pathHint = 'a file or link of the liferaft, or a folder for all that is in it (default: all)';

function orAll(chosen: string[]): string[] | undefined {
  return chosen.length === 0 ? undefined : chosen;
}

/** Faults: `alphorn_not_synced` */
function checkSynced({ enabled, error, destinations }: DaemonStatus): void {
  const behind = destinations.filter(({ state }) => state !== 'synced' && state !== 'self');
  const problems = [
    ...(enabled ? [] : ['Sending is not enabled.']),
    ...(error ? [error.detail] : []),
    ...behind.map(({ destination, state }) => `${destination} is ${state}.`),
  ];
  if (problems.length === 0) return;
  throw new Fault(
    'alphorn_not_synced',
    `Not every destination has the current liferaft. ${problems.join('\n')}`,
  );
}

function printStatus(status: DaemonStatus | AlphornStatus): void {
  const { running, enabled, interval, host, liferaft, error, destinations } = status;
  if (!running) {
    print('Alphorn does not run on this host: the cluster starts it where its resource is active.');
  } else if (enabled) print(`Alphorn runs here and looks for changes every ${interval / 1000} s.`);
  else print('Alphorn runs here, but is not enabled.');
  if (error) printText(`Error: ${error.detail}`);
  if (host) print(`Host ${host.id} (${host.name})`);
  if (liferaft) {
    const { generation, files, bytes, madeAt } = liferaft;
    print(`Liferaft of generation ${generation}: ${files} files, ${bytes} bytes, made ${madeAt}`);
    printLeftOut(liferaft);
  }
  if ('unfinishedRestores' in status) printProblems(status.unfinishedRestores);
  if (destinations.length === 0) return;
  printTable(
    ['DESTINATION', 'STATE', 'LAST SUCCESS', 'BEHIND FOR', 'LAST ERROR'],
    destinations.map(({ destination, state, lastSuccess, lagMs, lastError }) => [
      ...[destination, state, state === 'self' ? '-' : (lastSuccess ?? 'never')],
      lagMs === null ? '-' : `${Math.round(lagMs / 1000)} s`,
      lastError === null ? '-' : `${lastError.at} ${lastError.code}: ${lastError.detail}`,
    ]),
    true,
  );
}

/** What is printed of it; all of it is in the JSON. */
const maxLeftOutPrinted = 40;

function printLeftOut({ leftOut, leftOutMore }: OwnLiferaftStatus): void {
  const printed = leftOut.slice(0, maxLeftOutPrinted);
  for (const { path, why, essential, kept } of printed) {
    const what = kept ? 'Kept as it was' : essential ? 'Lacking' : 'Left out';
    print(`${what}: ${path}: ${why}`);
  }
  const more = leftOut.length - printed.length + leftOutMore;
  if (more > 0) print(`Left out: ${more} more (--json lists more of them)`);
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

/** What a restore leaves as it is, though it is not so in the liferaft. */
function printWhatStays({ folders, onlyHere, onlyHereMore }: LiferaftDiff): void {
  if (folders.length > 0) print('These folders stay as they are, without --folders:');
  printDifferences(folders);
  if (onlyHere === null) {
    warn(
      'What is only on this host is not known: its rules in /etc/alphorn/manifest.d cannot be followed.',
    );
  } else if (onlyHere.length > 0) print('These are only on this host, and stay:');
  for (const path of onlyHere ?? []) print(path);
  if (onlyHereMore > 0) print(`and ${onlyHereMore} more`);
}

function printDifferences(differences: readonly Difference[]): void {
  for (const { path, changes, here, liferaft, blocked, lost } of differences) {
    const words = changes.map((change) => {
      if (change === 'mode') return `mode ${here?.mode ?? ''} -> ${liferaft.mode ?? ''}`;
      if (change === 'owner') return `owner ${here?.owner ?? ''} -> ${liferaft.owner ?? ''}`;
      if (change === 'acl') return `acl ${here?.acl ?? 'none'} -> ${liferaft.acl ?? 'none'}`;
      if (change === 'target') return `target ${here?.target ?? ''} -> ${liferaft.target ?? ''}`;
      return change === 'create' ? `create ${liferaft.kind}` : change;
    });
    print(`${path}: ${words.join(', ')}`);
    if (lost !== undefined) print(`  without: ${lost}`);
    if (blocked !== undefined) print(`  cannot be restored: ${blocked}`);
  }
}
