/** @returns a function that has `work` done at the end of this turn of the event loop, once for all of its calls until then */
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
 * Has work that can wait done in small portions, so that other work comes in between.
 * @param doNext does a piece; false if there is none
 * @param maxPerTurn pieces in one turn of the event loop
 * @returns to be called when there is work
 */
export function fewPerTurn(doNext: () => boolean, maxPerTurn: number): () => void {
  const work = soon(() => {
    for (let count = 0; count < maxPerTurn; count += 1) if (!doNext()) return;
    work();
  });
  return work;
}
