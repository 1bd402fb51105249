import { Worker } from 'node:worker_threads';

/** Sleeps 10 ms at a time on a thread of its own, and tells how late it woke up if it was more than 10 ms. */
export const sleeper = `
  const { parentPort } = require('node:worker_threads');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const now = () => Number(process.hrtime.bigint()) / 1e6;
  for (;;) {
    const start = now();
    Atomics.wait(cell, 0, 0, 10);
    const end = now();
    if (end - start > 20) parentPort.postMessage({ kind: 'late', at: end, ms: end - start - 10 });
  }`;

/** Says how long the machine stood still while something was measured. */
export interface Witness {
  /** Max milliseconds that it woke up late since a time of performance.now(). */
  worstSince(at: number): number;
  stop(): Promise<unknown>;
}

export function startWitness(): Witness {
  const late: { at: number; ms: number }[] = [];
  const worker = new Worker(sleeper, { eval: true });
  worker.on('message', ({ ms }: { ms: number }) => {
    // The message comes at once, and both clocks need not be the same.
    late.push({ at: performance.now(), ms });
    if (late.length > 10_000) late.splice(0, 5000);
  });
  worker.unref();
  return {
    worstSince: (at) => Math.max(0, ...late.filter((each) => each.at >= at).map(({ ms }) => ms)),
    stop: () => worker.terminate(),
  };
}
