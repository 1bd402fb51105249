import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes by which memory may grow over a run: what is cached up to some bound, and what the compiler keeps. */
const maxGrowth = 8 * 1024 * 1024;
/** What is loaded, compiled and cached with the first requests is no growth. */
const warmUp = 0.3;

export interface Memory {
  /** Measures what is alive now, after `done` of all. */
  sample: (done: number) => void;
  /** By how many bytes it grows from the warm-up to the end, as a straight line through all samples has it. */
  growth: () => number;
  isFlat: () => boolean;
}

export function makeMemory(): Memory {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const samples: { at: number; bytes: number }[] = [];

  function growth(): number {
    const warm = samples.filter(({ at }) => at >= warmUp);
    const mean = (of: (sample: { at: number; bytes: number }) => number) =>
      warm.reduce((sum, sample) => sum + of(sample), 0) / Math.max(1, warm.length);
    const [meanAt, meanBytes] = [mean(({ at }) => at), mean(({ bytes }) => bytes)];
    const spread = mean(({ at }) => (at - meanAt) ** 2);
    if (spread === 0) return 0;
    const slope = mean(({ at, bytes }) => (at - meanAt) * (bytes - meanBytes)) / spread;
    return slope * (1 - warmUp);
  }

  return {
    sample(done) {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      samples.push({ at: done, bytes: heapUsed + external });
    },
    growth,
    isFlat: () => growth() <= maxGrowth,
  };
}
