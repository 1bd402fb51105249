import { Command } from 'commander';

import { controllerSocket } from '../../controller/paths.ts';
import { addChangingCommands } from './group/changing.ts';
import { addReadingCommands } from './group/reading.ts';

/** `hactl group …`: virtual addresses and the nodes that hold them. @param socket where ha-controller answers */
export function groupCommand({ socket = controllerSocket }: { socket?: string } = {}): Command {
  const group = new Command('group')
    .summary('manage keepalived groups')
    .description(
      'Manages keepalived groups: virtual addresses, each of which one of several nodes has. It asks the ha-controller of this host.',
    );
  addReadingCommands(group, socket);
  addChangingCommands(group, socket);
  return group;
}
