import { Fault } from '../kit/fault.ts';
import { askSocket } from './socket.ts';

/** What is to be set for a member while its process runs. What is undefined stays as it is. */
export interface ServerChange {
  /** The name of the pool's section, such as `POOL:LISTENER`. */
  backend: string;
  /** The id of the member. */
  server: string;
  /** 0 to 256. */
  weight?: number | undefined;
  isEnabled?: boolean | undefined;
}

export interface ServerOutcome {
  backend: string;
  server: string;
  /** Why haproxy has refused it, in its own words; undefined if all was set. */
  refusal: string | undefined;
}

/** A worker that hangs must not hold up the next change. */
const askLimits = { deadlineMs: 2000, maxBytes: 64 * 1024 };

/** What a name has that becomes a word of a command: neither a blank nor a semicolon. */
const name = /^[\w-]{1,64}(?::[\w-]{1,64})?$/;

/**
 * Sets weights, and enables or disables members, of the process that runs. The stats socket of a driver's file has no right
 * to it (`level user`), so the master passes the commands on to its present worker (management.txt, section 9.4).
 *
 * Each command has a connection of its own. With several in one line, the master of 2.6.12 damages its memory, and dies some
 * ten reloads later with `double free or corruption` (measured, three times of three; with one command each it lived through 300).
 *
 * It is in the process alone. A reload takes both from the file: see statesForReload.
 *
 * haproxy refuses a weight other than 0 and that of the file where it balances by the source (measured on 2.2, 2.6 and 3.0).
 * @param masterSocket of a master that answers already
 * @returns an outcome for each, in the same order
 * Faults: `haproxy_unresponsive`, also if only a part was set
 */
export async function setServers(
  masterSocket: string,
  changes: readonly ServerChange[],
): Promise<ServerOutcome[]> {
  const outcomes: ServerOutcome[] = [];
  for (const change of changes) {
    const { backend, server } = change;
    let refusal: string | undefined;
    for (const setting of settingsOf(change)) {
      const command = `@1 set server ${nameOf(backend)}/${nameOf(server)} ${setting}`;
      const answer = await askSocket(masterSocket, command, askLimits);
      if (answer === undefined) throw unresponsive();
      refusal ??= answer.trim() === '' ? undefined : answer.trim();
    }
    outcomes.push({ backend, server, refusal });
  }
  return outcomes;
}

function settingsOf({ weight, isEnabled }: ServerChange): string[] {
  return [
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(isEnabled === undefined ? [] : [`state ${isEnabled ? 'ready' : 'maint'}`]),
  ];
}

/** A second line of defence: the route checks them. */
function nameOf(text: string): string {
  if (name.test(text)) return text;
  throw new Fault(
    'amphora_request_invalid',
    "A backend or server has a name that no driver writes. It has letters, digits, '-' and '_', and a backend may have one ':'.",
  );
}

function unresponsive(): Fault {
  return new Fault(
    'haproxy_unresponsive',
    'No worker of haproxy answers, so it is not known what was set. Start or reload the process: it takes weights and states from its file.',
  );
}
