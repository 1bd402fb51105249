/** A timeout that can begin again. */
export interface Deadline {
  restart(): void;
  cancel(): void;
}

const parts = 10;

/**
 * Calls `onPassed` after `ms` milliseconds, as setTimeout does, but counts them in ten parts. A standstill of the machine
 * uses up only one part, however long it lasts, because the awaited work stood still as well.
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
