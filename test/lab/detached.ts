import { open } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { makeGroups } from './groups.ts';
import type { LabRecord } from './record.ts';
import type { Argv } from './run.ts';

const inGroups = join(import.meta.dirname, 'in-groups.sh');

/**
 * Starts a process that outlives this one, in the control groups of a part of a lab. When it returns, the process is in
 * these groups. Until then, others would see the part as off, and start it again.
 * @param logFile where its output is appended
 */
export async function startDetached(
  lab: LabRecord,
  part: string,
  argv: Argv,
  { logFile, env }: { logFile: string; env?: Readonly<Record<string, string>> },
): Promise<void> {
  const groups = await makeGroups(lab.name, part);
  const log = await open(logFile, 'a');
  try {
    // Not by execa, which pipes the output of its children and waits for them
    const child = spawn(inGroups, [...groups, '--', ...argv], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
      cwd: '/',
      env: { ...process.env, ...env },
    });
    child.unref();
    await once(child, 'spawn');
    const untilInGroups = child.stdio[3] as Readable;
    await once(untilInGroups.resume(), 'close');
  } finally {
    await log.close();
  }
}
