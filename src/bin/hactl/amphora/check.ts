import type { Command } from 'commander';

import { print } from '../print.ts';

/** Checks the configuration in a file. Faults: `haproxy_config_refused`, those of Run */
export type CheckFile = (path: string) => Promise<void>;

/** Adds `check`. */
export function addCheckCommand(amphora: Command, check: CheckFile): void {
  amphora
    .command('check')
    .summary('check a configuration without any change')
    .description(
      'Checks a configuration as an upload does: first whether it holds only what the drivers write, then whether haproxy accepts it. Nothing is changed.',
    )
    .argument('<file>', 'the haproxy.cfg')
    .action(async (file: string) => {
      await check(file);
      print(`${file} would be accepted.`);
    });
}
