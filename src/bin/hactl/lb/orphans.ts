import type { Command } from 'commander';

import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { orphan } from './shown.ts';

/** Adds `orphans`. */
export function addOrphansCommand(lb: Command, client: BalancerClient): void {
  withOutput(lb.command('orphans'))
    .summary('list what nodes run and the store does not know')
    .description(
      'Lists the load balancers that nodes run and the store does not know, such as those made since the backup from which it was restored. They go on until they are removed.',
    )
    .argument('[id]', 'only this one')
    .option('--remove', 'take them off their nodes')
    .action(async (wanted: string | undefined, { remove }: { remove?: true }, command: Command) => {
      const all = await client.get('/orphans', orphan.array());
      const found = all.filter(({ id }) => wanted === undefined || id === wanted);
      if (remove) {
        for (const { node, id } of found) await client.send('DELETE', `/orphans/${node}/${id}`);
      }
      printData(command, found, () => {
        if (found.length === 0) print('The nodes run nothing that the store does not know.');
        else
          printTable(
            ['NODE', 'ID'],
            found.map(({ name, id }) => [name, id]),
          );
        if (remove && found.length > 0) print('They were taken off their nodes.');
      });
    });
}
