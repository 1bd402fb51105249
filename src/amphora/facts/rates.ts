import type { InterfaceBytes } from '../../parsers/proc/proc-files.ts';

/** Bytes a second, and bytes since the interface exists. */
export interface InterfaceRates extends InterfaceBytes {
  rxPerSecond: number;
  txPerSecond: number;
}

interface Sample {
  at: number;
  interfaces: readonly InterfaceBytes[];
}

export interface Rates {
  /** Remembers a reading. */
  add(interfaces: readonly InterfaceBytes[]): void;
  /** The rates between a reading and one that is up to 30 s older; 0 without an older one. */
  of(interfaces: readonly InterfaceBytes[]): InterfaceRates[];
}

const windowMs = 30_000;

/** @param now a monotonic clock in milliseconds */
export function makeRates(now: () => number = () => performance.now()): Rates {
  let samples: Sample[] = [];
  return {
    add: (interfaces) => {
      const at = now();
      // The youngest sample that is older than the window stays.
      const first = samples.findLastIndex((sample) => at - sample.at >= windowMs);
      samples = [...samples.slice(Math.max(0, first)), { at, interfaces }];
    },
    of: (interfaces) => {
      const at = now();
      const old =
        samples.findLast((sample) => at - sample.at >= windowMs) ??
        samples.find((sample) => at > sample.at);
      return interfaces.map((each) => {
        const before = old?.interfaces.find(({ name }) => name === each.name);
        const seconds = old ? (at - old.at) / 1000 : 0;
        const rate = (from: number | undefined, to: number) =>
          from === undefined || to < from ? 0 : Math.round((to - from) / seconds);
        return {
          ...each,
          rxPerSecond: rate(before?.rx, each.rx),
          txPerSecond: rate(before?.tx, each.tx),
        };
      });
    },
  };
}
