import type { Command } from 'commander';

import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { findNode, nodesOf } from './find.ts';
import { readNetworks } from './networks.ts';
import { nameOf, type ShownNode } from './shown.ts';

/** Adds `node list`, `node drain` and `node resume`. */
export function addNodeCommands(lb: Command, client: BalancerClient): void {
  const nodes = lb
    .command('node')
    .summary('list, empty and refill the nodes that carry load balancers')
    .description(
      "Lists, empties and refills the nodes that carry load balancers. A host becomes one by 'hactl node join --load-balancers'.",
    );

  withOutput(nodes.command('list'))
    .summary('list the nodes that carry load balancers')
    .description('Lists the nodes with the number of their load balancers, and what is wrong.')
    .action(async (_options: unknown, command: Command) => {
      const found = await nodesOf(client);
      const networks = await readNetworks();
      printData(command, found, () => {
        printNodes(found, (network) => {
          const known = networks.find(({ id }) => id === network);
          return known ? nameOf(known) : network;
        });
      });
    });

  nodes
    .command('drain')
    .summary('move the load balancers of a node to other nodes')
    .description(
      'Moves the load balancers of a node to other nodes, one after another. The node gets no new ones until it is resumed.',
    )
    .argument('<node>', 'its name or its id')
    .action(async (wanted: string) => {
      const { id, name } = await findNode(client, wanted);
      await client.send('POST', `/nodes/${id}/drain`, {});
      print(`The load balancers of ${name} move to other nodes: 'hactl lb node list' counts them.`);
    });

  nodes
    .command('resume')
    .summary('let a drained node take load balancers again')
    .description(
      'Lets a drained node take load balancers again. Those that were moved stay where they are.',
    )
    .argument('<node>', 'its name or its id')
    .action(async (wanted: string) => {
      const { id, name } = await findNode(client, wanted);
      await client.send('POST', `/nodes/${id}/resume`, {});
      print(`The node ${name} takes load balancers again.`);
    });
}

function printNodes(nodes: readonly ShownNode[], networkName: (id: string) => string): void {
  if (nodes.length === 0) {
    print("No node carries load balancers. 'hactl node join --load-balancers' makes a host one.");
    return;
  }
  printTable(
    ['ID', 'NODE', 'STATE', 'BALANCERS', 'NETWORKS'],
    nodes.map((each) => [
      each.id,
      each.name,
      stateOf(each),
      each.balancers,
      each.networks.map(networkName).join(', ') || '-',
    ]),
  );
  for (const { name, troubles } of nodes) {
    for (const trouble of troubles) print(`${name}: ${trouble}`);
  }
}

function stateOf({
  is_reachable: isReachable,
  is_draining: isDraining,
  troubles,
}: ShownNode): string {
  if (!isReachable) return 'unreachable';
  if (isDraining) return 'draining';
  return troubles.length > 0 ? 'troubled' : 'well';
}
