import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

import { readTextIfThere } from '../../kit/files/files.ts';
import { kernelFile } from '../../kit/files/kernel-file.ts';
import { shareRuns } from '../../kit/concurrency/shared-run.ts';
import type { Log } from '../../kit/log.ts';
import {
  cpuTicksIn,
  type CpuTicks,
  type InterfaceBytes,
  loadIn,
} from '../../parsers/proc/proc-files.ts';
import type { Details, Topology } from '../amphora.ts';
import { type MemoryPaths, readMemory } from './memory.ts';
import type { PackageVersion } from './packages.ts';
import { makeRates } from './rates.ts';

export interface DetailsParts {
  memory: MemoryPaths;
  interfaces: () => Promise<readonly InterfaceBytes[]>;
  packages: () => Promise<readonly PackageVersion[]>;
  topology: () => Promise<Topology>;
  /** How many processes of haproxy and of LVS run. */
  processes: () => Promise<{ haproxy: number; lvs: number }>;
  log: Log;
  /** What tuned wrote last: /etc/tuned/active_profile */
  tunedFile?: string;
}

export interface DetailsReader {
  read(): Promise<Details>;
  /** Begins to remember what the interfaces carry, for their rates. */
  start(): void;
  stop(): void;
}

/**
 * Counters are reused for so many milliseconds: reading them may start a process, and rates are those of 30 s. What hardly
 * changes is reused as well.
 */
const reuse = { reuseMs: 1000 };
const sampleEveryMs = 10_000;

/** Reads what the amphora is and does. Nothing waits for a second reading, and nearly all comes from /proc. */
export function makeDetails(parts: DetailsParts): DetailsReader {
  const rates = makeRates();
  const interfaces = shareRuns(parts.interfaces, reuse);
  const host = shareRuns(
    () =>
      Promise.all([
        parts.packages(),
        statfs('/'),
        readTextIfThere(parts.tunedFile ?? '/etc/tuned/active_profile'),
      ]),
    reuse,
  );
  const cpu = makeCpuUse();
  let timer: NodeJS.Timeout | undefined;

  async function sample(): Promise<void> {
    try {
      rates.add(await interfaces.get());
    } catch (error) {
      parts.log.debug({ error: String(error) }, 'interfaces could not be read');
    }
  }

  return {
    start: () => {
      void sample();
      timer = setInterval(() => void sample(), sampleEveryMs);
      timer.unref();
    },
    stop: () => {
      clearInterval(timer);
    },
    read: async () => {
      const [counters, processes, topology, [packages, disk, tuned]] = await Promise.all([
        interfaces.get(),
        parts.processes(),
        parts.topology(),
        host.get(),
      ]);
      const kilobytes = (blocks: number) => Math.floor((blocks * disk.bsize) / 1024);
      return {
        networks: Object.fromEntries(
          rates
            .of(counters)
            .map((each) => [each.name, { sent: each.txPerSecond, received: each.rxPerSecond }]),
        ),
        isActive: topology.role !== 'STANDBY',
        haproxyCount: processes.haproxy,
        lvsCount: processes.lvs,
        cpu: cpu(cpuTicksIn(kernelFile('/proc/stat') ?? '')),
        cpuCount: availableParallelism(),
        memory: readMemory(parts.memory),
        disk: { used: kilobytes(disk.blocks - disk.bfree), available: kilobytes(disk.bavail) },
        load: loadIn(kernelFile('/proc/loadavg') ?? ''),
        packages,
        tunedProfiles: tuned?.trim() ?? '',
      };
    },
  };
}

/**
 * Makes a function that gives the use since the previous call, and at the first call since the boot. A call within a
 * second of another one gives the same use, because so few ticks say nothing.
 * @param now a monotonic clock in milliseconds
 */
export function makeCpuUse(
  now: () => number = () => performance.now(),
): (ticks: CpuTicks) => Details['cpu'] {
  let last: { at: number; ticks: CpuTicks; use: Details['cpu'] } | undefined;
  return (ticks) => {
    if (last && now() - last.at < 1000) return last.use;
    const before = last?.ticks;
    const part = (of: (each: CpuTicks) => number) => of(ticks) - (before ? of(before) : 0);
    const total = part((each) => each.total);
    const percent = (value: number) =>
      total <= 0 ? 0 : Math.min(100, Math.max(0, Math.round((value * 10_000) / total) / 100));
    const use = {
      total: percent(total - part(({ idle }) => idle)),
      user: percent(part(({ user }) => user)),
      system: percent(part(({ system }) => system)),
      softIrq: percent(part(({ softIrq }) => softIrq)),
    };
    last = { at: now(), ticks, use };
    return use;
  };
}
