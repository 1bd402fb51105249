/** Tells the person at the terminal what is going on. */
export type Progress = (line: string) => void;

/** Progress on standard error: standard output belongs to the result. */
export const progressOnStderr: Progress = (line) => {
  process.stderr.write(`${line}\n`);
};

export const silentProgress: Progress = () => undefined;

/** Does a long piece of work, and says what it is before and how long it took after. */
export async function step<T>(
  progress: Progress,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  progress(`${what} ...`);
  const result = await work();
  progress(`${what}: ${seconds(startedAt)}`);
  return result;
}

/** The time since `startedAt` (a value of `performance.now()`), to be read by people. */
export function seconds(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
