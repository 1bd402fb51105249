import { Command } from 'commander';

import { controllerSocket } from '../../../controller/paths.ts';
import { addChangingCommands } from './changing.ts';
import { makeBalancerClient } from './client.ts';
import { addMemberCommands } from './members.ts';
import { addNetworkCommands } from './networks.ts';
import { addNodeCommands } from './nodes.ts';
import { addOrphansCommand } from './orphans.ts';
import { addReadingCommands } from './reading.ts';
import { addSecretCommands } from './secrets.ts';

/** `hactl lb …`: load balancers and the nodes that carry them. @param socket where ha-controller answers */
export function lbCommand({ socket = controllerSocket }: { socket?: string } = {}): Command {
  const client = makeBalancerClient(socket);
  const lb = new Command('lb')
    .summary('manage load balancers')
    .description(
      'Manages load balancers: addresses whose traffic two nodes pass on to members. It asks the ha-controller of this host.',
    );
  addReadingCommands(lb, client);
  addChangingCommands(lb, client);
  addMemberCommands(lb, client);
  addOrphansCommand(lb, client);
  addNodeCommands(lb, client);
  addSecretCommands(lb, client);
  addNetworkCommands(lb);
  return lb;
}
