import { stat } from 'node:fs/promises';

import { type Run, runToSuccess } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { ifThere } from '../kit/files/files.ts';
import { kernelFile } from '../kit/files/kernel-file.ts';
import { inNamespace, ipDeadlineMs, type Namespace } from './namespaces.ts';

const root = '/proc/sys/net';

/**
 * Sets kernel parameters of a namespace to one value, below /proc/sys/net (proc_sys_net(5)). cat and tee do it, because
 * they are essential in Debian and sysctl is not. Only parameters that differ are written: in a container /proc/sys may
 * be read-only, and somebody outside may have set them. Those of IPv6 are left out if the kernel has no IPv6.
 * @param names such as `ipv4/ip_forward`
 * Faults: `tool_failed`, those of Run
 */
export async function ensureSysctls(
  run: Run,
  namespace: Namespace,
  names: readonly string[],
  value: string,
): Promise<void> {
  const hasIpv6 = (await ifThere(stat(`${root}/ipv6`))) !== undefined;
  const wanted = names.filter((name) => hasIpv6 || !name.startsWith('ipv6/'));
  const paths = wanted.map((name) => `${root}/${name}`);
  if (paths.length === 0) return;
  const present = await readParameters(run, namespace, paths);
  const differing = paths.filter((_, at) => present[at] !== value);
  if (differing.length === 0) return;
  const command = {
    argv: inNamespace(namespace, ['tee', ...differing]),
    deadlineMs: ipDeadlineMs,
    input: `${value}\n`,
  };
  await runToSuccess(run, command, refused(differing, value)).catch((error: unknown) => {
    // A read-only /proc/sys is no full disk.
    if (error instanceof Fault && error.code === 'no_space') {
      throw new Fault('tool_failed', refused(differing, value));
    }
    throw error;
  });
}

/** In this process's own namespace it takes no process to read them, and they are looked at each minute. */
async function readParameters(
  run: Run,
  namespace: Namespace,
  paths: readonly string[],
): Promise<readonly (string | undefined)[]> {
  if (namespace === null) return paths.map((path) => kernelFile(path)?.trim());
  const text = await runToSuccess(
    run,
    { argv: inNamespace(namespace, ['cat', ...paths]), deadlineMs: ipDeadlineMs },
    `Kernel parameters below ${root} could not be read. The reason is in 'stderr'.`,
  );
  return text.split('\n');
}

function refused(paths: readonly string[], value: string): string {
  return `The kernel parameters ${paths.join(', ')} could not be set to ${value}. /proc/sys may be read-only here: make it writable, or set them on the host.`;
}
