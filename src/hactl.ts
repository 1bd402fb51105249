#!/usr/bin/env node
import { Command } from 'commander';

import { Fault, systemErrorCode } from './errors.ts';
import { alphornCommand } from './hactl/alphorn.ts';
import { auditCommand } from './hactl/audit.ts';
import { tokenCommand } from './hactl/token.ts';

const program = new Command('hactl')
  .description('Looks after the ha-agent of this node.')
  .showHelpAfterError("Run 'hactl help' for what there is.")
  .addCommand(tokenCommand())
  .addCommand(auditCommand())
  .addCommand(alphornCommand());

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Fault) console.error(`hactl: ${error.message}`);
  else if (systemErrorCode(error) === 'EACCES') {
    console.error(`hactl: ${(error as Error).message}. Run it as root.`);
  } else throw error;
  process.exitCode = 1;
}
