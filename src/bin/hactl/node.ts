import { Command } from 'commander';

import { makeAskController } from './controller/client.ts';
import type { HostFiles } from './node/host.ts';
import { addAdoptCommand, addNodeStatusCommand } from './node/local.ts';
import { addJoinCommand } from './node/join.ts';
import { addListCommand, addRemoveCommand, addTokenCommand } from './node/registry.ts';
import { makeOnRecord, type OnRecord } from './on-record.ts';

/** `hactl node …`: the nodes of a controller, and this host as one of them. */
export function nodeCommand({
  socket,
  agentSocket,
  files,
  startAgent,
  onRecord = makeOnRecord({ holdOff: (work) => work() }),
}: {
  /** Where ha-controller answers. */
  socket?: string;
  /** Where ha-amphora of this host answers. */
  agentSocket?: string;
  /** Those of this host, for joining. */
  files?: HostFiles;
  /** Starts ha-amphora when this host has joined. */
  startAgent?: () => Promise<void>;
  onRecord?: OnRecord;
} = {}): Command {
  const ask = makeAskController(socket);
  const node = new Command('node')
    .summary('let hosts join a controller, list and remove them')
    .description(
      'Makes hosts nodes of a controller. Join tokens are made on the host of the controller, which also lists and removes nodes; a host joins by a command on itself.',
    );
  addTokenCommand(node, ask, onRecord);
  addJoinCommand(node, { onRecord, files, startAgent });
  addListCommand(node, ask);
  addRemoveCommand(node, ask, onRecord);
  addNodeStatusCommand(node, files, agentSocket);
  addAdoptCommand(node, onRecord);
  return node;
}
