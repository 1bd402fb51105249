/**
 * Makes a function that tells whether the state of a subject differs from that of the previous call. Logging only such
 * changes loses no information.
 * @param maxSubjects above this number, all subjects are forgotten, because callers may be able to invent subjects
 * @returns whether the state differs; a subject without a problem starts with undefined
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
