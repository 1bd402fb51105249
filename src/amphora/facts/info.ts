import { hostname } from 'node:os';

import type { Run } from '../../kit/exec.ts';
import { shareRuns } from '../../kit/concurrency/shared-run.ts';
import { Fault } from '../../kit/fault.ts';
import { cacheByStamp } from '../../kit/files/cached-by-stamp.ts';
import { toolStamp } from '../../kit/files/stamps.ts';
import type { Info } from '../amphora.ts';

export interface InfoParts {
  run: Run;
  deadlineMs: number;
  /** The id of the amphora. */
  amphora: string;
}

/**
 * Makes a function that says who this amphora is and which versions it has. A tool runs only after its file has changed.
 * A tool that is missing, or does not say its version, has an empty one.
 */
export function makeInfo({ run, deadlineMs, amphora }: InfoParts): () => Promise<Info> {
  const versionOf = (tool: string, option: string, pattern: RegExp) =>
    cacheByStamp(
      () => toolStamp(tool),
      async () => {
        try {
          const { stdout, stderr } = await run({ argv: [tool, option], deadlineMs });
          return upstreamVersionIn(stdout + stderr, pattern);
        } catch (error) {
          if (error instanceof Fault && error.code === 'tool_missing') return '';
          throw error;
        }
      },
    );
  // Before 2.4 it said HA-Proxy.
  const haproxy = versionOf('haproxy', '-v', /^HA-?Proxy version (\d+(?:\.\d+)+)/m);
  // It prints its version to stderr.
  const keepalived = versionOf('keepalived', '--version', /^Keepalived v(\d+(?:\.\d+)+)/m);
  const ipvsadm = versionOf('ipvsadm', '--version', /^ipvsadm v(\d+(?:\.\d+)+)/m);
  // To look for three tools in each folder takes longer than all the rest, and controllers ask often.
  const versions = shareRuns(() => Promise.all([haproxy(), keepalived(), ipvsadm()]), {
    reuseMs: 1000,
  });
  return async () => {
    const [haproxyVersion, keepalivedVersion, ipvsadmVersion] = await versions.get();
    return {
      hostname: hostname(),
      uuid: amphora,
      haproxyVersion,
      keepalivedVersion,
      ipvsadmVersion,
    };
  };
}

/** The upstream part of a version that a tool prints, such as `2.6.12`; empty if it prints none. */
function upstreamVersionIn(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? '';
}
