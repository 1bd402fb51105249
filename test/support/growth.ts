import { expect } from 'chai';

// Four times the input costs four times as much, or 16 times if the time is quadratic.
const factor = 4;
const bar = 10;
const tries = 6;
/** Milliseconds below which a measurement is meaningless. */
const noise = 1;

/**
 * Expects that work on a text takes linear time. It compares the minimum of several measurements of this process's own
 * CPU time, so that a standstill of the machine changes nothing.
 * @param make a text of about that length
 */
export function expectLinear(
  work: (text: string) => unknown,
  make: (length: number) => string,
  length = 40_000,
): void {
  const [short, long] = [make(length), make(length * factor)];
  let [ofShort, ofLong] = [Infinity, Infinity];
  for (let attempt = 0; attempt < tries; attempt += 1) {
    ofShort = Math.min(ofShort, cost(work, short));
    ofLong = Math.min(ofLong, cost(work, long));
    if (ofLong < bar * Math.max(ofShort, noise)) return;
  }
  expect(ofLong / ofShort, `${JSON.stringify(short.slice(0, 60))}…`).to.be.below(bar);
}

/** Milliseconds of CPU time of this process. */
function cost(work: (text: string) => unknown, text: string): number {
  const before = process.cpuUsage();
  try {
    work(text);
  } catch {
    // A text may be refused, but not after a long time.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
