import type { LabNode } from '../lab/lab.ts';

/** Nanoseconds of CPU time of a service and all processes that it started, since its start. */
export async function cpuNs(node: LabNode, unit = 'ha-agent'): Promise<number> {
  const used = Number(await show(node, 'CPUUsageNSec', unit));
  if (!Number.isSafeInteger(used)) throw new Error(`systemd does not count the CPU of ${unit}.`);
  return used;
}

/** Resident memory in MB, in the unit of the bar: 10^6 bytes. */
export interface Resident {
  agent: number;
  /** The other processes of the agent. */
  others: number;
}

export async function residentMb(node: LabNode, unit = 'ha-agent'): Promise<Resident> {
  const main = await show(node, 'MainPID', unit);
  const group = await show(node, 'ControlGroup', unit);
  const pids = (await node.run(['cat', `/sys/fs/cgroup${group}/cgroup.procs`])).trim().split('\n');
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const { stdout } = await node.exec(['cat', `/proc/${pid}/status`]);
      // A process that has just ended counts as 0.
      const kb = Number(/^VmRSS:\s+(\d+) kB/m.exec(stdout)?.[1] ?? 0);
      return { pid, mb: (kb * 1024) / 1e6 };
    }),
  );
  const sum = (chosen: typeof sizes) => chosen.reduce((all, { mb }) => all + mb, 0);
  return {
    agent: sum(sizes.filter(({ pid }) => pid === main)),
    others: sum(sizes.filter(({ pid }) => pid !== main)),
  };
}

async function show(node: LabNode, property: string, unit = 'ha-agent'): Promise<string> {
  const argv = ['systemctl', 'show', '--value', `--property=${property}`, unit] as const;
  return (await node.run(argv)).trim();
}
