import type { Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { cacheByStamp } from '../kit/files/cached-by-stamp.ts';
import { toolStamp } from '../kit/files/stamps.ts';

/**
 * Makes a function that says which haproxy is installed. It runs haproxy only after a package has brought another one.
 * @returns the upstream part, such as `2.6.12`; empty if haproxy is not installed
 * Faults: those of Run except `tool_missing`
 */
export function makeHaproxyVersion(run: Run, deadlineMs: number): () => Promise<string> {
  return cacheByStamp(
    () => toolStamp('haproxy'),
    async () => {
      try {
        const { stdout } = await run({ argv: ['haproxy', '-v'], deadlineMs });
        return versionIn(stdout);
      } catch (error) {
        if (error instanceof Fault && error.code === 'tool_missing') return '';
        throw error;
      }
    },
  );
}

/** @param text such as `HAProxy version 2.6.12-1+deb12u4 2026/10/17`; before 2.4 it began with `HA-Proxy` */
export function versionIn(text: string): string {
  return /^HA-?Proxy version (\d+(?:\.\d+)+)/.exec(text)?.[1] ?? '';
}
