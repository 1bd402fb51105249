import type { Command } from 'commander';

import { Fault } from '../../../kit/fault.ts';
import type { LocalNode } from '../../../routes/controller/local.ts';
import { type AskController, askStatus } from '../controller/client.ts';
import { printNodes } from '../controller/status.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print } from '../print.ts';

/** Adds `token`. */
export function addTokenCommand(node: Command, ask: AskController, onRecord: OnRecord): void {
  withOutput(node.command('token'))
    .summary('make a token by which one host joins')
    .description(
      "Makes a join token on the controller and prints it, and nothing else. One host can join with it, within ten minutes: 'hactl node join https://CONTROLLER:9876 TOKEN' on that host. It has the fingerprint of the certificate by which the host recognises the controller.",
    )
    .action(async (_options: unknown, command: Command) => {
      const made = (await onRecord(['node', 'token'], () =>
        ask({ method: 'POST', path: '/join-tokens', body: {} }),
      )) as { token: string; expires_at: string };
      printData(command, made, () => {
        print(made.token);
      });
    });
}

/** Adds `list`. */
export function addListCommand(node: Command, ask: AskController): void {
  withOutput(node.command('list'))
    .summary('list the nodes of the controller')
    .description('Lists the nodes of the controller on this host, with whether each one answers.')
    .action(async (_options: unknown, command: Command) => {
      const { nodes, store } = await askStatus(ask);
      printData(command, nodes, () => {
        printNodes(nodes);
        if (nodes.length === 0) print(noNodes(store.id));
        for (const { name, trouble } of nodes) {
          if (trouble !== null) print(`${name}: ${trouble}`);
        }
      });
    });
}

/** A controller that came up on another host with an empty store looks as if nothing were wrong. */
function noNodes(store: string): string {
  return `No host has joined the store ${store}. Hosts of another store go on with what they run; if this store should have nodes, put its backup back with 'hactl controller restore'.`;
}

/** Adds `remove`. */
export function addRemoveCommand(node: Command, ask: AskController, onRecord: OnRecord): void {
  node
    .command('remove')
    .summary('empty a node, and take it out of the controller')
    .description(
      'Has a node stop its keepalived and forget the controller, then revokes its certificate. A node that something still uses is refused.',
    )
    .argument('<node>', "id or name of the node, from 'hactl node list'")
    .option('--lost', 'the host is gone for good: do not ask it to stop anything')
    .action(async (given: string, options: { lost?: true }) => {
      const { id, name } = nodeOf((await askStatus(ask)).nodes, given);
      const isLost = options.lost === true;
      const body = { id, is_lost: isLost };
      const recorded = ['node', 'remove', given, ...(isLost ? ['--lost'] : [])];
      await onRecord(recorded, () => ask({ method: 'POST', path: '/node-removals', body }));
      print(`The node ${name} was removed.`);
    });
}

/** Faults: `controller_node_not_found` */
function nodeOf(nodes: readonly LocalNode[], given: string): LocalNode {
  // A name may consist of digits, so names come first.
  const found =
    nodes.find(({ name }) => name === given) ?? nodes.find(({ id }) => String(id) === given);
  if (found) return found;
  throw new Fault(
    'controller_node_not_found',
    `There is no node ${given}. 'hactl node list' lists them.`,
  );
}
