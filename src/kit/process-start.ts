import { readFile } from 'node:fs/promises';

/** When a process began, in ticks since the boot (proc_pid_stat(5), field 22); undefined if it does not exist. */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may contain any character.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
