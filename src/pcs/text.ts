import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runToSuccess } from '../kit/exec.ts';
import type { PcsHost } from './paths.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import { withAgentsOfTemplates } from '../parsers/cib/text.ts';

/** What pcs prints about a CIB, for people. */
export interface PcsText {
  /**
   * What `pcs ARGS` prints about the CIB.
   * @param xml a whole CIB; its secrets must already be masked
   * Faults: `tool_failed`, `no_space`, those of Run.
   */
  about(xml: string, args: readonly string[]): Promise<string>;
}

/** How long the text about a CIB with dates is cached: pcs leaves out rules that have ended. */
const datesCachedMs = 60_000;

/**
 * Asks pcs about CIBs. pcs takes half a second, mostly to start Python, so its text is cached until the CIB changes. It
 * gets the same CIB as the rest of the answer, as a file (`pcs -f`). So the two cannot contradict each other, even if the
 * cluster is stopped.
 * @param memory a folder in memory for that file; pcs opens it more than once, so it cannot be a pipe
 * @param now a monotonic clock in milliseconds
 */
export function makePcsText(host: PcsHost, memory: string, now = () => performance.now()): PcsText {
  let cache: { xml: string; until: number; texts: Map<string, Promise<string>> } | undefined;

  async function ask(xml: string, args: readonly string[]): Promise<string> {
    return inMemoryFolder(memory, async (folder) => {
      const file = join(folder, 'cib.xml');
      // For a resource without an agent of its own, pcs 0.10 prints nothing, and 0.11 and 0.12 end with a traceback.
      await writeFile(file, withAgentsOfTemplates(xml), { mode: 0o600 });
      return runToSuccess(
        host.run,
        { argv: ['pcs', '-f', file, ...args], deadlineMs: host.readDeadlineMs },
        // pcs exits with 1 on every failure.
        `pcs could not tell it in words. Its own message is in 'stderr'. With '?raw=false' the answer comes without them.`,
      );
    });
  }

  return {
    about(xml, args) {
      if (cache?.xml !== xml || now() >= cache.until) {
        const cachedMs = xml.includes('<date_expression') ? datesCachedMs : Infinity;
        cache = { xml, until: now() + cachedMs, texts: new Map() };
      }
      const { texts } = cache;
      const key = args.join(' ');
      const known = texts.get(key);
      if (known) return known;
      const asked = ask(xml, args);
      texts.set(key, asked);
      asked.catch(() => texts.delete(key));
      return asked;
    },
  };
}
