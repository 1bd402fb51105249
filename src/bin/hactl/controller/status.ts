import type { Command } from 'commander';

import type { LocalNode, LocalStatus } from '../../../routes/controller/local.ts';
import { NotWell } from '../failure.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { type AskController, askStatus } from './client.ts';

/** Adds `status`. */
export function addStatusCommand(controller: Command, ask: AskController): void {
  withOutput(controller.command('status'))
    .summary('show the store and the nodes of the controller')
    .description(
      'Shows the store, the authority and the nodes of the controller on this host. As a check of a monitoring system it ends with 0 (well), 1 (warning) or 2 (failing).',
    )
    .action(async (_options: unknown, command: Command) => {
      const status = await askStatus(ask);
      printData(command, status, () => {
        printStatus(status);
      });
      const failing = status.nodes.flatMap(troublesOf);
      if (failing.length > 0) throw new NotWell('failing', [...failing, ...status.problems]);
      if (status.problems.length > 0) throw new NotWell('warning', status.problems);
    });
}

function printStatus({ store, authority, authority_ends_at: endsAt, nodes }: LocalStatus): void {
  print(`Store ${store.id}, epoch ${store.epoch}, in ${store.folder}`);
  print(`SHA-256 of the authority: ${authority}, valid to ${endsAt}`);
  printNodes(nodes);
}

/** Prints a table of nodes, or nothing if there are none. */
export function printNodes(nodes: readonly LocalNode[]): void {
  if (nodes.length === 0) return;
  printTable(
    ['ID', 'NAME', 'ADDRESS', 'STATE', 'KEEPALIVED'],
    nodes.map((node) => [node.id, node.name, node.host, stateOf(node), node.keepalived ?? '-']),
  );
}

function stateOf({ is_reachable: isReachable, trouble, troubles }: LocalNode): string {
  if (!isReachable) return 'unreachable';
  if (trouble !== null) return 'refuses';
  return troubles.length > 0 ? 'troubled' : 'well';
}

function troublesOf({ name, trouble, troubles }: LocalNode): string[] {
  return [...(trouble === null ? [] : [trouble]), ...troubles].map((each) => `${name}: ${each}`);
}
