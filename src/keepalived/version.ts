import type { Run } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';

/**
 * The version of the installed keepalived, such as `2.2.7`; empty if it is not installed.
 * Faults: those of Run except `tool_missing`
 */
export async function readKeepalivedVersion(run: Run): Promise<string> {
  try {
    // It prints `Keepalived v2.2.7 (01/16,2022)` to stderr.
    const { stdout, stderr } = await run({ argv: ['keepalived', '--version'], deadlineMs: 10_000 });
    return /^Keepalived v(\d+(?:\.\d+)*)/m.exec(stderr + stdout)?.[1] ?? '';
  } catch (error) {
    if (error instanceof Fault && error.code === 'tool_missing') return '';
    throw error;
  }
}
