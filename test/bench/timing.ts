import { CommandError } from '../lab/run.ts';
import type { LabNode } from '../lab/lab.ts';

/** Milliseconds that a piece of work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

// The time is measured in the node, because entering it (nsenter, timeout) takes half as long as cibadmin.
const stopwatch = `
  use Time::HiRes "time";
  my $startedAt = time;
  open(my $output, "-|", @ARGV) or die $!;
  1 while <$output>;
  close $output;
  printf "%.3f", (time - $startedAt) * 1000;
  exit $? >> 8;`;

/**
 * Milliseconds that a command takes in a node, without the way into the node.
 * @returns undefined if it took longer than `deadlineMs`
 * @throws {CommandError} if it fails
 */
export async function timedInside(
  node: LabNode,
  argv: readonly [string, ...string[]],
  deadlineMs = 60_000,
): Promise<number | undefined> {
  const outcome = await node.exec(['perl', '-e', stopwatch, ...argv], { deadlineMs });
  // 124 and 137 are the exit codes of timeout(1) for a command that it ended.
  if (outcome.exitCode === 124 || outcome.exitCode === 137) return undefined;
  if (outcome.exitCode !== 0) {
    throw new CommandError(argv, outcome, `exit code ${outcome.exitCode} in ${node.name}`);
  }
  return Number(outcome.stdout);
}

/** The value that a share of all values does not exceed: 0.5 for the median, 0.99 for the 99th percentile. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Milliseconds, for people. */
export function ms(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
