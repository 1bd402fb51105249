import { expect } from 'chai';

// Four times the input costs four times as much, or 16 times if the time is quadratic.
const factor = 4;
const bar = 10;
const tries = 6;
/** One length may be where V8 treats texts or functions differently. Quadratic time shows at each length. */
const lengths = [40_000, 80_000, 160_000];
/** Milliseconds below which the collector of V8 decides. Quadratic time takes more at these lengths. */
const noise = 5;

/**
 * Expects that work on a text takes linear time. It compares the minimum of several measurements of this process's own
 * CPU time, so that a standstill of the machine changes nothing, and fails only if the time grows too fast from each
 * length on.
 * @param make a text of about that length
 */
export function expectLinear(
  work: (text: string) => unknown,
  make: (length: number) => string,
): void {
  const growths: number[] = [];
  for (const length of lengths) {
    const growth = growthFrom(length, work, make);
    if (growth < bar) return;
    growths.push(growth);
  }
  expect(Math.min(...growths), `${JSON.stringify(make(60))}…`).to.be.below(bar);
}

/** How many times as long the work takes on a text that is four times as long. */
function growthFrom(
  length: number,
  work: (text: string) => unknown,
  make: (length: number) => string,
): number {
  const [short, long] = [make(length), make(length * factor)];
  let [ofShort, ofLong] = [Infinity, Infinity];
  for (let attempt = 0; attempt < tries; attempt += 1) {
    ofShort = Math.min(ofShort, cost(work, short));
    ofLong = Math.min(ofLong, cost(work, long));
    if (ofLong < bar * Math.max(ofShort, noise)) break;
  }
  return ofLong / Math.max(ofShort, noise);
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
