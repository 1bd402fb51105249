import type { Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { hasAlerts, messagesWithoutQuotes } from './messages.ts';

/**
 * The user nobody, with the right to read all files and no other: certificates are readable by root alone. So nothing
 * that a file makes haproxy do during the check can write. `ip netns exec` comes before it, because it needs root.
 */
const unprivileged = [
  'setpriv',
  '--reuid=nobody',
  '--regid=nogroup',
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all,+dac_read_search',
  '--ambient-caps=-all,+dac_read_search',
] as const;

/** A large file takes seconds. The agent answers others and haproxy serves meanwhile, also on a host with one core. */
const patient = ['nice', '--adjustment=10'] as const;

export interface ConfigCheck {
  /** The file to check. */
  file: string;
  /** A file that is read after it, and whose lines count. */
  overrides: string;
  /** The local peer's name. */
  peer: string;
  /** The argv that runs a command where haproxy runs, such as `ip netns exec NAME`; empty for the host's own namespace. */
  inNamespace: readonly string[];
  /** The text of the file, to cut it from messages. */
  text: string;
  deadlineMs: number;
}

/**
 * Asks haproxy whether it can use a configuration (`haproxy -c`). It binds no address, and does not compare `maxconn` with
 * the limit of descriptors.
 * @returns undefined if it can; otherwise the reasons with their lines, without text of the file
 * Faults: `tool_missing`; `tool_failed` if haproxy was not reached, as without the namespace; those of Run
 */
export async function checkConfig(run: Run, check: ConfigCheck): Promise<string | undefined> {
  const { file, overrides, peer, inNamespace, text, deadlineMs } = check;
  const haproxy = ['haproxy', '-c', '-L', peer, '-f', file, '-f', overrides];
  const [tool, ...args] = [...patient, ...inNamespace, ...unprivileged, ...haproxy];
  const argv = [tool, ...args] as const;
  const { exitCode, stdout, stderr } = await run({ argv, deadlineMs, isStderrSecret: true });
  const output = `${stderr}${stdout}`;
  if (exitCode === 0 && !hasAlerts(output)) return undefined;
  if (hasNoListener(output)) return 'It has no listener, so haproxy would not start.';
  if (!isOfHaproxy(output)) throw notReached(argv, exitCode, stderr);
  const messages = messagesWithoutQuotes(output, text, file);
  return messages === '' ? `haproxy refused the file with exit code ${exitCode}.` : messages;
}

/** haproxy says so without the mark of its other messages (measured on 2.6). */
function hasNoListener(output: string): boolean {
  return /^Configuration file has no error but will not start \(no listener\)/m.test(output);
}

/** haproxy begins with its version as soon as there is anything to say. */
function isOfHaproxy(output: string): boolean {
  return /^\[(?:NOTICE|ALERT|WARNING)\]/m.test(output);
}

function notReached(argv: readonly string[], exitCode: number, stderr: string): Fault {
  // setpriv(1) and env(1) end so if they find no such command.
  if (exitCode === 127) {
    return new Fault(
      'tool_missing',
      'haproxy is not installed on this host. Install it with "apt install haproxy", then try again.',
    );
  }
  return new Fault(
    'tool_failed',
    "haproxy could not be run to check the configuration; 'stderr' says why. Check that the namespace exists ('ip netns list').",
    { command: { argv, exitCode, stderr } },
  );
}
