import type { Command } from 'commander';

import { makeDaemonClient } from '../../alphorn/daemon-client.ts';
import type { DaemonStatus, OwnLiferaftStatus } from '../../alphorn/daemon-status.ts';
import { beginLineageByRoot } from '../../alphorn/peers/lineage-by-root.ts';
import { type AlphornStatus, readAlphornStatus } from '../../alphorn/status.ts';
import { Fault } from '../../errors.ts';
import type { AlphornPaths } from '../../paths.ts';
import type { OnRecord } from '../on-record.ts';
import { print, printJson, printTable, printText } from '../print.ts';
import { printProblems } from './restores.ts';

/** Adds `status`, `sync` and `rebuilt`: what this host sends. */
export function addSenderCommands(alphorn: Command, paths: AlphornPaths, onRecord: OnRecord): void {
  const json = ['--json', 'as JSON'] as const;

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
