/** Those who wait until nothing of a load balancer is PENDING. */
export interface Waiting {
  /** Says that a job of a load balancer has ended. */
  notify(balancer: string): void;
  /**
   * Waits until the check succeeds, which is made at once and after each end of a job.
   * @returns whether it came to that within the time
   */
  until(
    balancer: string,
    isOver: () => Promise<boolean>,
    limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<boolean>;
}

export function makeWaiting(): Waiting {
  const listeners = new Map<string, Set<() => void>>();

  function listen(balancer: string, listener: () => void): () => void {
    const set = listeners.get(balancer) ?? new Set();
    listeners.set(balancer, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && listeners.get(balancer) === set) listeners.delete(balancer);
    };
  }

  return {
    notify(balancer) {
      for (const listener of [...(listeners.get(balancer) ?? [])]) listener();
    },
    until: (balancer, isOver, { timeoutMs, signal }) =>
      new Promise((resolve, reject) => {
        const end = (how: () => void) => {
          unlisten();
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          how();
        };
        const onAbort = () => {
          end(() => {
            resolve(false);
          });
        };
        const check = () => {
          isOver().then(
            (over) => {
              if (over)
                end(() => {
                  resolve(true);
                });
            },
            (error: unknown) => {
              end(() => {
                reject(error instanceof Error ? error : new Error(String(error)));
              });
            },
          );
        };
        // It listens before it checks, so that no end falls between the two.
        const unlisten = listen(balancer, check);
        const timer = setTimeout(onAbort, timeoutMs);
        if (signal?.aborted === true) {
          onAbort();
          return;
        }
        signal?.addEventListener('abort', onAbort);
        check();
      }),
  };
}
