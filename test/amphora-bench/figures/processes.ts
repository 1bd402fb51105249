import type { Measured } from './bench.ts';

/** The memory of all processes of an agent, in kilobytes. */
export interface Memory {
  processes: number;
  rss: number;
  pss: number;
}

export async function memoryOf({ node, unit }: Pick<Measured, 'node' | 'unit'>): Promise<Memory> {
  const procs = `/sys/fs/cgroup$(systemctl show --value --property=ControlGroup ${unit})/cgroup.procs`;
  const script = `for p in $(cat ${procs}); do awk -v p=$p '/^(Rss|Pss):/{v[$1]=$2} END{print v["Rss:"], v["Pss:"]}' /proc/$p/smaps_rollup; done; true`;
  const lines = (await node.run(['sh', '-c', script])).trim().split('\n');
  const found: Memory = { processes: 0, rss: 0, pss: 0 };
  for (const line of lines) {
    const [rss = 0, pss = 0] = line.split(' ').map(Number);
    found.processes += 1;
    found.rss += rss;
    found.pss += pss;
  }
  return found;
}
