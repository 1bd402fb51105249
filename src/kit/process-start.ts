import { kernelFile } from './files/kernel-file.ts';

/** Dead, and not yet waited for by its parent. */
const ended = ['Z', 'X'];

/**
 * When a process began, in ticks since the boot (proc_pid_stat(5), field 22). It stays when the process executes another
 * program. Undefined if there is none, or if it has ended.
 */
export function processStart(pid: number): Promise<string | undefined> {
  const text = kernelFile(`/proc/${pid}/stat`);
  // The name, in parentheses, may contain any character.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return Promise.resolve(ended.includes(fields[0] ?? '') ? undefined : fields[19]);
}
