#!/usr/bin/env node
import { Command } from 'commander';

import { alphornCommand } from './hactl/alphorn.ts';
import { auditCommand } from './hactl/audit.ts';
import { makeOnRecord } from './hactl/on-record.ts';
import { runCommandLine } from './hactl/run.ts';
import { listenForSignals } from './hactl/signals.ts';
import { tokenCommand } from './hactl/token.ts';
import { debianPaths } from './paths.ts';

const onRecord = makeOnRecord(listenForSignals());
const program = new Command('hactl')
  .description('Looks after the ha-agent of this node.')
  .addCommand(tokenCommand(onRecord))
  .addCommand(auditCommand())
  .addCommand(alphornCommand(debianPaths, onRecord));

process.exitCode = await runCommandLine(program, process.argv);
