import { Command } from 'commander';

import { checkHaproxyFile } from '../wiring/amphora/check.ts';
import type { Paths } from '../wiring/paths.ts';
import { alphornCommand } from './alphorn.ts';
import { amphoraCommand } from './amphora.ts';
import { auditCommand } from './audit.ts';
import { controllerCommand } from './controller.ts';
import { nodeCommand } from './node.ts';
import { groupCommand } from './group.ts';
import { lbCommand } from './lb/lb.ts';
import type { OnRecord } from './on-record.ts';
import { tokenCommand } from './token.ts';

/**
 * All commands of `hactl`. The manual page is made from them too. It has the description of each command, and the help
 * of the command above has the summary.
 */
export function makeProgram(paths: Paths, onRecord: OnRecord, version: string): Command {
  return new Command('hactl')
    .description(
      'Manages the tokens of the ha-agent on this node, shows its audit log, restores hosts from liferafts, shows the state of an amphora, sets up a controller and its nodes, and manages keepalived groups and load balancers.',
    )
    .version(version, '--version', 'print the version of hactl')
    .addCommand(tokenCommand(onRecord))
    .addCommand(auditCommand())
    .addCommand(alphornCommand(paths, onRecord))
    .addCommand(amphoraCommand({ onRecord, check: checkHaproxyFile }))
    .addCommand(controllerCommand({ onRecord }))
    .addCommand(nodeCommand({ onRecord }))
    .addCommand(groupCommand())
    .addCommand(lbCommand());
}
