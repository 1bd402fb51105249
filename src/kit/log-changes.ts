/**
 * Makes a function that says whether the state of a subject differs from the one that it was called with before. A line
 * in the log for each such change tells all that a line for each call would.
 * @param maxSubjects with one more, all are forgotten: callers may be able to make subjects up
 * @returns whether it differs; undefined, the state at the beginning, is that of a subject without a problem
 */
export function makeChangeDetector(
  maxSubjects = 1000,
): (subject: string, state: string | undefined) => boolean {
  const states = new Map<string, string>();
  return (subject, state) => {
    if (states.get(subject) === state) return false;
    if (state === undefined) states.delete(subject);
    else {
      if (states.size >= maxSubjects) states.clear();
      states.set(subject, state);
    }
    return true;
  };
}
