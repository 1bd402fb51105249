import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Outcome, Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { readTextIfThere } from '../kit/files/files.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import { readCheckMessages } from '../parsers/keepalived/check-messages.ts';

export interface CheckParts {
  run: Run;
  /** A folder in memory for what keepalived reports. The report may quote secrets, and the runner logs its own output. */
  memory: string;
  /** What puts a command into the namespace, such as `ip netns exec NAME`; may be empty. */
  inNamespace: readonly string[];
}

/** keepalived looks up the name of the host, and that may take 10 s without an answer. */
const deadlineMs = 30_000;

/**
 * Exit codes of a test that came to its end. In keepalived(8) they are 0 and 3 to 5. In keepalived 2.2.7 a faulty file
 * ends with 5, a missing parameter with 2, and scripts without `enable_script_security` with 6, which hides all other
 * faults. keepalived 2.1.5 always ends with 0. So the report decides, and the code only tells that there is one.
 */
const ends: ReadonlySet<number> = new Set([0, 2, 3, 4, 5, 6]);
/** The same without a report: then these are no failure. */
const endsInSilence: ReadonlySet<number> = new Set([0, 6]);

/**
 * Has keepalived read a configuration, without running it (keepalived(8), `--config-test`). The interfaces that it names
 * have to be in the namespace.
 * Faults: `keepalived_config_refused` with the complaints, which quote no value of the file; `tool_missing`; `tool_failed`
 * if keepalived was not reached, as without the namespace; those of Run
 */
export async function checkKeepalivedConfig(
  { run, memory, inNamespace }: CheckParts,
  file: string,
): Promise<void> {
  const { outcome, report } = await inMemoryFolder(memory, async (folder) => {
    const reportFile = join(folder, 'report');
    const test = ['keepalived', `--config-test=${reportFile}`, '-f', file];
    const argv = ['env', ...inNamespace, ...test] as const;
    const outcome = await run({ argv, deadlineMs, isStderrSecret: true }).catch(crashed);
    if (outcome !== 'crashed' && saysNoNamespace(outcome)) throw notReached(argv, outcome);
    return { outcome, report: (await readTextIfThere(reportFile)) ?? '' };
  });
  if (outcome === 'crashed') throw refused('keepalived crashed while it read the configuration.');
  if (saysMissing(outcome)) throw missing();
  const messages = readCheckMessages(report, await readFile(file, 'utf8'));
  if (messages.length > 0) {
    throw refused(`keepalived refuses the configuration: ${messages.join('; ')}`);
  }
  if (!(report === '' ? endsInSilence : ends).has(outcome.exitCode)) {
    throw refused(`keepalived refuses the configuration with exit code ${outcome.exitCode}.`);
  }
}

/** keepalived 2.1.5 ends with SIGSEGV on a file that is cut off. */
function crashed(error: unknown): 'crashed' {
  if (error instanceof Fault && error.code === 'tool_ended_by_signal') return 'crashed';
  throw error;
}

/** env(1) ends with 127 and ip-netns(8) with 255 if there is no such command. */
function saysMissing({ exitCode, stderr }: Outcome): boolean {
  return (exitCode === 127 || exitCode === 255) && /keepalived.*No such file/.test(stderr);
}

/** As before the first port is plugged. Then nothing is said of the file. */
function saysNoNamespace({ exitCode, stderr }: Outcome): boolean {
  return exitCode === 255 && stderr.startsWith('Cannot open network namespace');
}

function notReached(argv: readonly string[], { exitCode, stderr }: Outcome): Fault {
  return new Fault(
    'tool_failed',
    'keepalived could not be run to check the configuration, because its network namespace is missing. Plug the port of the VIP first, then try again.',
    { command: { argv, exitCode, stderr } },
  );
}

function missing(): Fault {
  return new Fault(
    'tool_missing',
    "keepalived is not installed on this host. Install it ('apt-get install keepalived'), then try again.",
  );
}

function refused(message: string): Fault {
  return new Fault('keepalived_config_refused', message);
}
