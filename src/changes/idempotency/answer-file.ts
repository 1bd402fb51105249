import { open } from 'node:fs/promises';

import { orNoSpace, readTextIfThere } from '../../kit/files/files.ts';

/** Writes a new file and syncs it. The caller syncs the folder. Faults: `no_space` */
export async function writeNew(path: string, text: string): Promise<void> {
  await orNoSpace(path, async () => {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
  });
}

/** Writes the answer over the blanks. A line that is cut short is not valid JSON. */
export async function writeAnswer(path: string, answer: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(256), position: 0 });
    const start = buffer.subarray(0, bytesRead).indexOf(0x0a) + 1;
    const { size } = await file.stat();
    const bytes = Buffer.from(answer);
    // The rest of the former content must not follow the answer, even if the answer is longer.
    const line = Buffer.concat([
      bytes,
      Buffer.alloc(Math.max(0, size - start - bytes.length), ' '),
    ]);
    for (let done = 0; done < line.length;) {
      const { bytesWritten } = await file.write(line, done, line.length - done, start + done);
      done += bytesWritten;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Identifies one start of the node by the id in random(4). Containers share this id with their host, but the start of
 * their first process differs (proc(5), `starttime`).
 */
export async function readBoot(): Promise<string> {
  const id = (await readTextIfThere('/proc/sys/kernel/random/boot_id')) ?? '';
  const first = (await readTextIfThere('/proc/1/stat')) ?? '';
  // The name of the process, in parentheses, may contain blanks.
  const startedAt = first.slice(first.lastIndexOf(')') + 1).split(' ')[20] ?? '';
  return `${id.trim()} ${startedAt}`;
}
