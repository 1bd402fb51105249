import type { Response } from 'express';

import type { Configuration } from '../../cluster/configuration.ts';

/**
 * Answers with what was made of the CIB's configuration. It is the same for as long as that has the same
 * version, so the version is its ETag; Express itself answers 304.
 */
export function answerFromCib(response: Response, from: Configuration, body: unknown): void {
  response.set('ETag', `"${from.cib.version}"`);
  if (from.source === 'offline') response.set('X-HA-Source', 'offline');
  answerAsOf(response, from.readAt, body);
}

/** Answers with what was read at that moment, and says so if that is more than a second ago. */
export function answerAsOf(response: Response, readAt: number, body: unknown): void {
  const seconds = Math.floor((performance.now() - readAt) / 1000);
  if (seconds >= 1) response.set('Age', `${seconds}`);
  response.json(body);
}
