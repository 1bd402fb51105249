import { Command } from 'commander';

import { debianPaths, type Paths } from '../wiring/paths.ts';
import { keyCommand } from './alphorn/key.ts';
import { addLiferaftCommands } from './alphorn/liferafts.ts';
import { addRestoreCommands } from './alphorn/restore.ts';
import { restoresCommand } from './alphorn/restores.ts';
import { makeAlphornSources } from './alphorn/sources.ts';
import { addSenderCommands } from './alphorn/status.ts';
import { makeOnRecord, type OnRecord } from './on-record.ts';

/**
 * `hactl alphorn …`: what this host sends, and the liferafts of other hosts that are here. No agent has to run.
 * @param onRecord runs each command that changes something or prints a secret; a sync does neither
 */
export function alphornCommand(
  allPaths: Paths = debianPaths,
  onRecord: OnRecord = makeOnRecord({ holdOff: (work) => work() }),
): Command {
  const sources = makeAlphornSources(allPaths);
  const alphorn = new Command('alphorn')
    .summary('manage liferafts: copies of the configuration of hosts')
    .description(
      'Manages liferafts: copies of the configuration of a host, which it sends to other hosts and can be restored from.',
    );
  addSenderCommands(alphorn, allPaths.alphorn, onRecord);
  addLiferaftCommands(alphorn, sources, onRecord);
  addRestoreCommands(alphorn, sources, onRecord);
  alphorn.addCommand(restoresCommand(sources, onRecord));
  alphorn.addCommand(keyCommand(allPaths.alphorn.key, onRecord));
  return alphorn;
}
