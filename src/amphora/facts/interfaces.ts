import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Run } from '../../kit/exec.ts';
import { ifThere } from '../../kit/files/files.ts';
import { type InterfaceBytes, interfaceBytesIn } from '../../parsers/proc/proc-files.ts';

export interface InterfaceParts {
  run: Run;
  deadlineMs: number;
  /** The name of the tenants' namespace; undefined for that of the host. */
  namespace: string | undefined;
  /** Processes that may be in the namespace, such as haproxy's. */
  pids: () => Promise<readonly number[]>;
  /** /run/netns */
  namespaces?: string;
}

/**
 * Makes a function that reads the bytes of the tenants' interfaces. It starts a process only while no other process is
 * in the namespace. Without the namespace there are none.
 */
export function makeInterfaces({
  run,
  deadlineMs,
  namespace,
  pids,
  namespaces = '/run/netns',
}: InterfaceParts): () => Promise<InterfaceBytes[]> {
  const textOf = async (name: string): Promise<string> => {
    const inode = (await ifThere(stat(join(namespaces, name))))?.ino;
    if (inode === undefined) return '';
    for (const pid of await pids()) {
      const its = await ifThere(stat(`/proc/${pid}/ns/net`), ['ENOENT', 'ESRCH', 'EACCES']);
      if (its?.ino === inode) return readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '');
    }
    const argv = ['ip', 'netns', 'exec', name, 'cat', '/proc/net/dev'] as const;
    const { exitCode, stdout } = await run({ argv, deadlineMs });
    return exitCode === 0 ? stdout : '';
  };
  return async () => {
    if (namespace === undefined) {
      const all = interfaceBytesIn(await readFile('/proc/net/dev', 'utf8'));
      return all.filter(({ name }) => name !== 'lo');
    }
    // The ports of tenants are named so, as real agents report them.
    return interfaceBytesIn(await textOf(namespace)).filter(({ name }) => name.startsWith('eth'));
  };
}
