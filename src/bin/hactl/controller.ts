import { Command } from 'commander';

import { makeOnRecord, type OnRecord } from './on-record.ts';
import { makeAskController } from './controller/client.ts';
import { addStatusCommand } from './controller/status.ts';
import { addBackupCommand, addInitCommand, addRestoreCommand } from './controller/store.ts';

/** `hactl controller …`: the controller on this host, and its store. */
export function controllerCommand({
  socket,
  onRecord = makeOnRecord({ holdOff: (work) => work() }),
}: {
  /** Where ha-controller answers. */
  socket?: string;
  onRecord?: OnRecord;
} = {}): Command {
  const ask = makeAskController(socket);
  const controller = new Command('controller')
    .summary('set up a controller, and back up its store')
    .description(
      'Sets up the controller on this host, which the service ha-controller runs, backs up and restores its store, and shows its state.',
    );
  addInitCommand(controller, onRecord);
  addStatusCommand(controller, ask);
  addBackupCommand(controller, ask, onRecord);
  addRestoreCommand(controller, onRecord);
  return controller;
}
