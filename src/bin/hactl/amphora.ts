import { Command } from 'commander';

import { amphoraSocket } from '../../amphora/paths.ts';
import { makeOnRecord, type OnRecord } from './on-record.ts';
import { addCheckCommand, type CheckFile } from './amphora/check.ts';
import { addInitCommand } from './amphora/init.ts';
import { addShowCommand } from './amphora/show.ts';
import { addStatusCommand } from './amphora/status.ts';

/** `hactl amphora …`: the state of the amphora on this host, and what sets one up by hand. */
export function amphoraCommand({
  socket = amphoraSocket,
  onRecord = makeOnRecord({ holdOff: (work) => work() }),
  check,
}: {
  /** Where ha-amphora answers. */
  socket?: string;
  onRecord?: OnRecord;
  /** Checks a configuration without any change; without it there is no command for that. */
  check?: CheckFile;
} = {}): Command {
  const amphora = new Command('amphora')
    .summary('show the state of an amphora, and set one up by hand')
    .description(
      'Shows the state of the amphora on this host, which the service ha-amphora runs, and makes the certificates of a pair by hand.',
    );
  addStatusCommand(amphora, socket);
  addShowCommand(amphora, socket);
  if (check) addCheckCommand(amphora, check);
  addInitCommand(amphora, onRecord);
  return amphora;
}
