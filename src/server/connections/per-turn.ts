/** @returns a function that runs `work` at the end of this turn of the event loop, once for all calls until then */
export function soon(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      work();
    });
  };
}

/**
 * Does deferrable work in small portions, so that other work runs in between.
 * @param doNext does a piece of the work; returns false if there is none
 * @param maxPerTurn max number of pieces in one turn of the event loop
 * @returns a function to call when there is work
 */
export function fewPerTurn(doNext: () => boolean, maxPerTurn: number): () => void {
  const work = soon(() => {
    for (let count = 0; count < maxPerTurn; count += 1) if (!doNext()) return;
    work();
  });
  return work;
}
