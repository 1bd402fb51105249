/** A timeout that can begin again. */
export interface Deadline {
  restart(): void;
  cancel(): void;
}

const parts = 10;

/**
 * Calls `onPassed` after `ms` milliseconds, as setTimeout does, but counts them in ten parts. A machine that stands
 * still uses up one part, however long it does: what is waited for stood still as well, and gets the other nine.
 */
export function setDeadline(ms: number, onPassed: () => void): Deadline {
  let left = parts;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    onPassed();
  }, ms / parts);
  return {
    restart() {
      left = parts;
      timer.refresh();
    },
    cancel() {
      clearInterval(timer);
    },
  };
}
