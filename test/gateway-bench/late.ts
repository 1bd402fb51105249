/** Sleeps 10 ms again and again. How late it wakes up tells how long the machine stood still. */
export interface Witness {
  /** @returns the worst delay, in milliseconds */
  stop(): number;
}

const everyMs = 10;

export function startWitness(): Witness {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - everyMs);
    last = now;
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return worst;
    },
  };
}
