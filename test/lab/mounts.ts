import { readFile } from 'node:fs/promises';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeRecord } from './record.ts';
import { nodePaths } from './record.ts';
import { run } from './run.ts';
import { waitUntil } from './wait.ts';

/**
 * Mounts the file system of a node. What the node writes is in memory, over the shared root, and is gone with the lab.
 */
export async function mountNode(node: NodeRecord, sharedRoot: string): Promise<void> {
  const { root, power } = nodePaths(node);
  const disk = join(node.folder, 'disk');
  await Promise.all([root, power, disk].map((folder) => mkdir(folder, { recursive: true })));
  await run(['mount', '-t', 'tmpfs', '-o', 'mode=0755,size=80%', 'ha-agent-lab', disk]);
  const [upper, work] = [join(disk, 'upper'), join(disk, 'work')];
  await Promise.all([upper, work].map((folder) => mkdir(folder)));
  const options = `lowerdir=${sharedRoot},upperdir=${upper},workdir=${work}`;
  await run(['mount', '-t', 'overlay', '-o', options, 'ha-agent-lab', root]);
}

/**
 * Unmounts everything below a folder.
 * @throws {Error} if a mount stays busy, for instance because of a shell in it
 */
export async function unmountBelow(folder: string): Promise<void> {
  await waitUntil(
    `the mounts below ${folder} to be free (does a shell stand in there?)`,
    async () => {
      for (const mount of await mountsBelow(folder)) {
        await run(['umount', mount]);
      }
      return true;
    },
  );
}

/** Mount points below a folder, in the order in which they can be unmounted. */
async function mountsBelow(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((mount) => mount.startsWith(`${folder}/`))
    .reverse();
}
