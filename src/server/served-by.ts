import type { Response } from 'express';

/** The route that a request is for. */
export interface ServedBy {
  family: string;
  /** As its row has it, so that there are as many as there are rows. */
  route: string;
}

/** Says which route a request is for, to whoever counts. */
export function setServedBy(response: Response, by: ServedBy): void {
  response.locals['servedBy'] = by;
}

/** Undefined where there is no such route, or somebody was refused before. */
export function servedBy(response: Response): ServedBy | undefined {
  return response.locals['servedBy'] as ServedBy | undefined;
}
