import type { Command } from 'commander';

import { makeDaemonClient } from '../../../alphorn/sending/daemon-client.ts';
import type { OwnLiferaftStatus } from '../../../alphorn/sending/daemon-status.ts';
import { beginLineageByRoot } from '../../../alphorn/peers/lineage-by-root.ts';
import { readAlphornStatus } from '../../../alphorn/status.ts';
import type { AlphornPaths } from '../../../alphorn/paths.ts';
import { NotWell } from '../failure.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable, printText } from '../print.ts';
import { printProblems } from './restores.ts';
import { type Finding, findingsOf, type JudgedStatus } from './verdict.ts';

/** Adds `status`, `sync` and `rebuilt`: what this host sends. */
export function addSenderCommands(alphorn: Command, paths: AlphornPaths, onRecord: OnRecord): void {
  withOutput(alphorn.command('status'))
    .summary('show what this host sends where, and whether that works')
    .description(
      'Shows what this host sends to which destinations, and whether that works. It asks the service alphorn, which the cluster runs on the active node only. As a check of a monitoring system it prints the verdict as its first line, and ends with 0 (well), 1 (warning), 2 (failing) or 3 (unknown).',
    )
    .action(async (_options: unknown, command: Command) => {
      report(command, await readAlphornStatus(makeDaemonClient(paths.socket), paths));
    });

  withOutput(alphorn.command('sync'))
    .summary('look for changes now and send them')
    .description(
      "Has the service alphorn look for changes now and send them, and waits for up to half a minute. Then it prints what 'hactl alphorn status' prints, and ends with the same exit codes: 0 means that every destination has the current liferaft.",
    )
    .action(async (_options: unknown, command: Command) => {
      report(command, await makeDaemonClient(paths.socket).sync());
    });

  alphorn
    .command('rebuilt')
    .summary('declare that the present state of this host counts')
    .description(
      "Declares that the present state of this host counts. This is for a destination that has a newer state of this host, because the host was rolled back, or that takes it for a clone of itself. From the next round on, destinations accept this host's liferaft again, and keep what they have of it as a former generation.",
    )
    .action(async () => {
      await onRecord(['alphorn', 'rebuilt'], () => beginLineageByRoot(paths.own));
      print(
        "From the next round on, destinations accept this host's liferaft again; 'hactl alphorn sync' starts a round.",
      );
    });
}

/** Prints the status. Throws NotWell if something is not well. */
function report(command: Command, status: JudgedStatus): void {
  const findings = findingsOf(status);
  printData(command, status, () => {
    print(verdictOf(findings));
    printStatus(status);
  });
  const [worst] = findings;
  if (worst) {
    throw new NotWell(
      worst.level,
      findings.map(({ text }) => text),
    );
  }
}

/** One line, as a monitoring system shows it. */
function verdictOf([worst, ...others]: readonly Finding[]): string {
  if (worst === undefined) return 'OK: every destination has the current liferaft.';
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return `${worst.level.toUpperCase()}: ${worst.text.split('\n')[0] ?? ''}${more}`;
}

function printStatus(status: JudgedStatus): void {
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
  printProblems(status.unfinishedRestores ?? []);
  if (destinations.length === 0) return;
  printTable(
    ['DESTINATION', 'STATE', 'LAST SUCCESS', 'BEHIND FOR', 'LAST ERROR'],
    destinations.map(({ destination, state, lastSuccess, lagMs, lastError }) => [
      destination,
      state,
      state === 'self' ? '-' : (lastSuccess ?? 'never'),
      lagMs === null ? '-' : `${Math.round(lagMs / 1000)} s`,
      lastError === null ? '-' : `${lastError.at} ${lastError.code}: ${lastError.detail}`,
    ]),
    true,
  );
}

/** How many are printed; the JSON has all of them. */
const maxLeftOutPrinted = 40;

function printLeftOut({ leftOut, leftOutMore }: OwnLiferaftStatus): void {
  const printed = leftOut.slice(0, maxLeftOutPrinted);
  for (const { path, why, essential, kept } of printed) {
    const what = kept ? 'Kept as it was' : essential ? 'Lacking' : 'Left out';
    print(`${what}: ${path}: ${why}`);
  }
  const more = leftOut.length - printed.length + leftOutMore;
  if (more > 0) print(`Left out: ${more} more (-o json lists more of them)`);
}
