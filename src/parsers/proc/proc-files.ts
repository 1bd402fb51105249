/** Numbers of /proc/stat, in ticks since the boot. */
export interface CpuTicks {
  total: number;
  idle: number;
  user: number;
  system: number;
  softIrq: number;
}

/**
 * The first line of /proc/stat (proc_stat(5)). Time that waits for I/O is idle. The time of guests is part of the users'.
 */
export function cpuTicksIn(text: string): CpuTicks {
  const [, ...fields] = text.split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, steal = 0] =
    fields.map(Number);
  return {
    total: user + nice + system + idle + wait + irq + softIrq + steal,
    idle: idle + wait,
    user: user + nice,
    system: system + irq,
    softIrq,
  };
}

/** /proc/meminfo and memory.stat of a control group: a name and a number in each line. */
export function numbersIn(text: string): ReadonlyMap<string, number> {
  const rows = [...text.matchAll(/^([\w()]+):?\s+(\d+)/gm)];
  return new Map(rows.map(([, name, value]) => [name ?? '', Number(value)]));
}

/** The three numbers of /proc/loadavg. */
export function loadIn(text: string): [number, number, number] {
  const [one = 0, five = 0, fifteen = 0] = text.split(' ', 3).map(Number);
  return [one, five, fifteen];
}

/** The bytes that an interface received and sent since it exists. */
export interface InterfaceBytes {
  name: string;
  rx: number;
  tx: number;
}

/** /proc/net/dev (proc_net(5)): below two lines of heads, a line for each interface. */
export function interfaceBytesIn(text: string): InterfaceBytes[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name, rest] = line.split(/:(?=\s*\d)/, 2);
      if (name === undefined || rest === undefined) return [];
      const fields = rest.trim().split(/\s+/).map(Number);
      return [{ name: name.trim(), rx: fields[0] ?? 0, tx: fields[8] ?? 0 }];
    });
}
