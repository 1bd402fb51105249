/** Reports progress to the person at the terminal. */
export type Progress = (line: string) => void;

/** Progress on standard error, because standard output is for the result. */
export const progressOnStderr: Progress = (line) => {
  process.stderr.write(`${line}\n`);
};

export const silentProgress: Progress = () => undefined;

/** Does a long piece of work, and prints before what it is, and afterwards how long it took. */
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

/** The time since `startedAt` (a value of `performance.now()`), for people. */
export function seconds(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
