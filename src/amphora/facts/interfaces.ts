import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Run } from '../../kit/exec.ts';
import { ifThere } from '../../kit/files/files.ts';
import { kernelFile } from '../../kit/files/kernel-file.ts';
import { type InterfaceBytes, interfaceBytesIn } from '../../parsers/proc/proc-files.ts';

export interface InterfaceParts {
  run: Run;
  deadlineMs: number;
  /** The name of the tenants' namespace; undefined for that of the host. */
  namespace: string | undefined;
  /** Processes that are in the namespace, such as haproxy's, or in that of the host. */
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
    if (!(await ifThere(stat(join(namespaces, name))))) return '';
    // The kernel shows the namespace of another process (/proc/PID/ns) only to a tracer. Each namespace has its own files
    // in /proc/PID/net.
    const own = (await stat('/proc/self/net/dev')).ino;
    for (const pid of await pids()) {
      const path = `/proc/${pid}/net/dev`;
      const its = await ifThere(stat(path), ['ENOENT', 'ESRCH', 'EINVAL']);
      if (its && its.ino !== own) return kernelFile(path) ?? '';
    }
    const argv = ['ip', 'netns', 'exec', name, 'cat', '/proc/net/dev'] as const;
    const { exitCode, stdout } = await run({ argv, deadlineMs });
    return exitCode === 0 ? stdout : '';
  };
  return async () => {
    if (namespace === undefined) {
      const all = interfaceBytesIn(kernelFile('/proc/net/dev') ?? '');
      return all.filter(({ name }) => name !== 'lo');
    }
    // The ports of tenants are named so, as real agents report them.
    return interfaceBytesIn(await textOf(namespace)).filter(({ name }) => name.startsWith('eth'));
  };
}
