import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The number of bytes by which memory may grow in a run: bounded caches, and what the compiler keeps. */
const maxGrowth = 8 * 1024 * 1024;
/** Memory that is loaded, compiled and cached with the first requests is not growth. */
const warmUp = 0.3;

export interface Memory {
  /** Measures the living memory after `done` of all requests. */
  sample: (done: number) => void;
  /** The growth in bytes from the warm-up to the end, by a straight line through all samples. */
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
