import type { Response } from 'express';

/** The route of a request. */
export interface ServedBy {
  family: string;
  /** The path of its row, so there are no more values than rows. */
  route: string;
}

/** Stores the route of a request for the metrics. */
export function setServedBy(response: Response, by: ServedBy): void {
  response.locals['servedBy'] = by;
}

/** Undefined if there is no such route, or the request was refused before. */
export function servedBy(response: Response): ServedBy | undefined {
  return response.locals['servedBy'] as ServedBy | undefined;
}
