import { Command, InvalidArgumentError } from 'commander';

import { loadConfig } from '../config.ts';
import { makeAuditLog } from '../deps.ts';
import { Fault } from '../errors.ts';
import { print, printJson } from './print.ts';

/** `hactl audit`: the record of this node. No agent has to run. */
export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'shows who changed what through the agent or hactl, and who read a secret; the newest last',
    )
    .option('--limit <number>', 'how many entries, 10000 at most', count, 50)
    .option('--json', 'as a JSON array, with the commands and changes')
    .option(
      '--verify',
      'shows instead whether the closed files of the log are as they were written; exit code 1 if they are not',
    )
    .action(async (options: { limit: number; json?: true; verify?: true }) => {
      const log = makeAuditLog(await loadConfig(process.env), 'other');
      if (options.verify) {
        const { files, problems } = await log.verify();
        if (problems.length > 0) throw new Fault('audit_damaged', problems.join('\n'));
        print(`The audit log is as it was written: ${files} ${files === 1 ? 'file' : 'files'}.`);
        return;
      }
      const entries = (await log.list(options.limit)).toReversed();
      if (options.json) {
        printJson(entries);
        return;
      }
      for (const { at, caller, role, method, route, outcome, before, after } of entries) {
        const versions =
          after !== undefined && after !== before ? ` ${before ?? '?'} -> ${after}` : '';
        print(`${at} ${outcome} ${caller} (${role}) ${method} ${route}${versions}`);
      }
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 10_000)
    throw new InvalidArgumentError('Expected a number, 1 to 10000.');
  return Number(text);
}
