import { Command, InvalidArgumentError } from 'commander';

import { loadConfig } from '../config.ts';
import { makeAuditLog } from '../deps.ts';

/** `hactl audit`: the record of this node. No agent has to run. */
export function auditCommand(): Command {
  return new Command('audit')
    .description('shows who changed what through the agent, and who read a secret; the newest last')
    .option('--limit <number>', 'how many entries, 10000 at most', count, 50)
    .option('--json', 'as a JSON array, with the commands and changes')
    .option(
      '--verify',
      'shows instead whether the closed files of the log are as they were written; exit code 1 if they are not',
    )
    .action(async (options: { limit: number; json?: true; verify?: true }) => {
      const log = makeAuditLog(await loadConfig(process.env));
      if (options.verify) {
        const { files, problems } = await log.verify();
        for (const problem of problems) console.error(`hactl: ${problem}`);
        if (problems.length > 0) process.exitCode = 1;
        else
          console.log(
            `The audit log is as it was written: ${files} ${files === 1 ? 'file' : 'files'}.`,
          );
        return;
      }
      const entries = (await log.list(options.limit)).toReversed();
      if (options.json) {
        console.log(JSON.stringify(entries, null, 2));
        return;
      }
      for (const { at, caller, role, method, route, outcome, before, after } of entries) {
        const versions =
          after !== undefined && after !== before ? ` ${before ?? '?'} -> ${after}` : '';
        console.log(`${at} ${outcome} ${caller} (${role}) ${method} ${route}${versions}`);
      }
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 10_000)
    throw new InvalidArgumentError('Expected a number, 1 to 10000.');
  return Number(text);
}
