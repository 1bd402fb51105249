import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { AlphornPaths } from '../../src/alphorn/paths.ts';

/** The paths that Alphorn reads and writes, below one folder; `etc` goes into the liferaft. */
export function alphornPathsIn(folder: string): AlphornPaths {
  return {
    settings: join(folder, 'config.json'),
    rules: join(folder, 'manifest.d'),
    key: join(folder, 'key'),
    own: join(folder, 'alphorn', 'own'),
    liferafts: join(folder, 'alphorn', 'liferafts'),
    knownKeys: join(folder, 'alphorn', 'known-keys.json'),
    restores: join(folder, 'restore'),
    root: '/',
    socket: join(folder, 'alphornd.sock'),
    hostId: join(folder, 'hostid'),
    machineId: join(folder, 'machine-id'),
    passwd: join(folder, 'passwd'),
    group: join(folder, 'group'),
  };
}

/** Makes a host in the folder, with the id `5e7638bc` and files in `etc`. @returns its paths */
export async function makeAlphornHost(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<AlphornPaths> {
  const paths = alphornPathsIn(folder);
  const id = Buffer.alloc(4);
  id.writeUInt32LE(0x5e76_38bc);
  await mkdir(paths.rules, { recursive: true });
  await mkdir(join(folder, 'etc'), { recursive: true });
  await writeFile(paths.hostId, id);
  await writeFile(paths.passwd, 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(paths.group, 'root:x:0:\n');
  await writeFile(
    join(paths.rules, 'all.json'),
    JSON.stringify({ include: [join(folder, 'etc')] }),
  );
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, 'etc', name), content);
  }
  return paths;
}
