import { Command, InvalidArgumentError } from 'commander';

import { makeAuditLog } from '../wiring/stores.ts';
import { Fault } from '../../kit/fault.ts';
import { printData, withOutput } from './output.ts';
import { print } from './print.ts';
import { loadConfig } from '../wiring/config.ts';

const maxEntries = 10_000;

/** `hactl audit`: the audit log of this node. No agent has to run. */
export function auditCommand(): Command {
  return withOutput(new Command('audit'))
    .summary('show who changed what, and who read a secret')
    .description(
      "Shows who changed what through the agent or hactl, who read a secret, and how it ended, the newest last. A command of hactl that changes something or prints a secret is recorded as root's, before it begins and after it has ended. A command that cannot be recorded is not carried out: on a full disk, hactl only reads.",
    )
    .option('--limit <number>', `how many entries to show, at most ${maxEntries}`, count, 50)
    .option(
      '--verify',
      'check instead that the closed files of the log were not changed; the exit code is 2 if one was',
    )
    .action(async (options: { limit: number; verify?: true }, command: Command) => {
      const log = makeAuditLog(await loadConfig(process.env), 'other');
      if (options.verify) {
        const { files, problems } = await log.verify();
        if (problems.length > 0) {
          const next = 'Keep a copy of the log, and find out who changed it.';
          throw new Fault('audit_damaged', [...problems, next].join('\n'));
        }
        printData(command, { files }, () => {
          print(`The audit log is as it was written: ${files} ${files === 1 ? 'file' : 'files'}.`);
        });
        return;
      }
      const entries = (await log.list(options.limit)).toReversed();
      printData(command, entries, () => {
        for (const { at, caller, role, method, route, outcome, before, after } of entries) {
          const versions =
            after !== undefined && after !== before ? ` ${before ?? '?'} -> ${after}` : '';
          print(`${at} ${outcome} ${caller} (${role}) ${method} ${route}${versions}`);
        }
      });
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > maxEntries)
    throw new InvalidArgumentError(`Expected a number, 1 to ${maxEntries}.`);
  return Number(text);
}
