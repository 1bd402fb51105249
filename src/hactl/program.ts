import { Command } from 'commander';

import type { Paths } from '../paths.ts';
import { alphornCommand } from './alphorn.ts';
import { auditCommand } from './audit.ts';
import type { OnRecord } from './on-record.ts';
import { tokenCommand } from './token.ts';

/** All that `hactl` can do. */
export function makeProgram(paths: Paths, onRecord: OnRecord): Command {
  return new Command('hactl')
    .description('Looks after the ha-agent of this node.')
    .addCommand(tokenCommand(onRecord))
    .addCommand(auditCommand())
    .addCommand(alphornCommand(paths, onRecord));
}
