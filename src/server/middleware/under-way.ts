import type { Response } from 'express';

// A client may hang up long before its work has ended.

/** Counts the request as under way until this work has ended, even if its client hangs up. */
export function workOn<T>(response: Response, work: Promise<T>): Promise<T> {
  worksOf(response).push(work);
  return work;
}

/** Calls `release` when the response is closed and all work on the request has ended. */
export function whenOver(response: Response, release: () => void): void {
  response.once('close', () => {
    void Promise.allSettled(worksOf(response)).then(release);
  });
}

function worksOf(response: Response): Promise<unknown>[] {
  return (response.locals['works'] ??= []) as Promise<unknown>[];
}
