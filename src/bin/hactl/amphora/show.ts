import type { Command } from 'commander';

import type { ListenerState } from '../../../amphora/amphora.ts';
import { Fault } from '../../../kit/fault.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { readAmphoraStatus } from './client.ts';

/** Adds `show`. */
export function addShowCommand(amphora: Command, socket: string): void {
  withOutput(amphora.command('show'))
    .summary('show one load balancer or listener with its members')
    .description(
      'Shows one load balancer or listener with its pools and members, as haproxy sees them.',
    )
    .argument('<id>', 'the id of a load balancer or of a listener')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { owners, lvs, certificates } = await readAmphoraStatus(socket);
      const owner = owners.find((each) => each.id === id);
      const others = [...owners.flatMap(({ listeners }) => listeners), ...lvs];
      const listeners = owner?.listeners ?? others.filter((each) => each.id === id);
      if (owner === undefined && listeners.length === 0) {
        throw new Fault(
          'listener_not_found',
          `There is no load balancer or listener ${id}. 'hactl amphora status' lists them.`,
        );
      }
      const own = certificates.filter(({ owner: each }) => each === id);
      printData(command, { id, listeners, certificates: own }, () => {
        listeners.forEach(printListener);
        for (const { path, validTo } of own) print(`Certificate ${path}, valid to ${validTo}`);
      });
    });
}

function printListener({ id, status, type, pools }: Omit<ListenerState, 'owner'>): void {
  print(`Listener ${id}: ${status} (${type})`);
  const rows = pools.flatMap((pool) =>
    pool.members.map((member) => [pool.id, pool.status, member.id, member.status]),
  );
  if (rows.length > 0) printTable(['POOL', 'STATE', 'MEMBER', 'STATE'], rows);
}
