import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runToSuccess } from '../kit/exec.ts';
import type { Host } from '../kit/host.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import { withAgentsOfTemplates } from '../parsers/cib.ts';

/** What pcs says about a CIB, for people. */
export interface PcsWords {
  /**
   * What `pcs ARGS` prints about that CIB.
   * @param xml a whole CIB; what is secret in it must be masked already
   * Faults: `tool_failed`, `no_space`, those of Run.
   */
  about(xml: string, args: readonly string[]): Promise<string>;
}

/** pcs leaves out rules that have ended, so its words about a CIB with dates are kept no longer. */
const keepDatesMs = 60_000;

/**
 * pcs takes half a second, nearly all of it to start Python, so its words are kept for as long as the
 * CIB stays the same. It gets the very CIB that the answer beside them is made from, as a file
 * (`pcs -f`): so they cannot contradict each other, also when the cluster is stopped.
 * @param memory a folder in memory, for that file: pcs opens it more than once, so that it cannot be a pipe
 * @param now a monotonic clock in milliseconds
 */
export function makePcsWords(host: Host, memory: string, now = () => performance.now()): PcsWords {
  let kept: { xml: string; until: number; words: Map<string, Promise<string>> } | undefined;

  async function ask(xml: string, args: readonly string[]): Promise<string> {
    return inMemoryFolder(memory, async (folder) => {
      const file = join(folder, 'cib.xml');
      // pcs 0.10 leaves out what has no agent of its own, 0.11 and 0.12 end with a traceback.
      await writeFile(file, withAgentsOfTemplates(xml), { mode: 0o600 });
      return runToSuccess(
        host.run,
        { argv: ['pcs', '-f', file, ...args], deadlineMs: host.readDeadlineMs },
        // pcs knows one failure only, 1.
        `pcs could not tell it in words. Its own message is in 'stderr'. With '?raw=false' the answer comes without them.`,
      );
    });
  }

  return {
    about(xml, args) {
      if (kept?.xml !== xml || now() >= kept.until) {
        const keepMs = xml.includes('<date_expression') ? keepDatesMs : Infinity;
        kept = { xml, until: now() + keepMs, words: new Map() };
      }
      const { words } = kept;
      const key = args.join(' ');
      const known = words.get(key);
      if (known) return known;
      const asked = ask(xml, args);
      words.set(key, asked);
      asked.catch(() => words.delete(key));
      return asked;
    },
  };
}
