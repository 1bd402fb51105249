import type { Request, RequestHandler } from 'express';

import { Fault } from '../../kit/fault.ts';
import { callerIn } from './authenticate.ts';
import { whenOver } from './under-way.ts';

/** The max size of a body in bytes, as `jsonBody` reads it. */
const maxJsonBytes = 1024 * 1024;
/** The max size of all bodies that are being read or processed, in bytes. */
const maxBodiesBytes = 32 * maxJsonBytes;
const retryAfterSeconds = 5;

/**
 * Refuses a request if too many are under way. It needs `authenticate` before it. A request is under way from the end
 * of its body until its client has read the answer and its change has ended. Slow bodies hold up nobody, because only
 * their bytes count until they have arrived; there are no more of them than connections.
 * @param max requests of all callers; one caller may have half of them
 * @param maxBodyBytes the max size of one body
 * Faults: `too_many_requests`, `overloaded`
 */
export function limitRequests(max: number, maxBodyBytes = maxJsonBytes): RequestHandler {
  const maxPerCaller = Math.ceil(max / 2);
  const underWay = new Map<string, number>();
  let total = 0;
  let bodiesBytes = 0;

  return (request, response, next) => {
    const { name } = callerIn(response);
    const ofCaller = underWay.get(name) ?? 0;
    const bytes = bodyBytes(request, maxBodyBytes);
    if (ofCaller >= maxPerCaller) {
      throw new Fault(
        'too_many_requests',
        `${maxPerCaller} requests of the token '${name}' are already under way. Nothing of this one was done; try again when others have been answered.`,
        { retryAfterSeconds },
      );
    }
    if (total >= max || bodiesBytes + bytes > maxBodiesBytes) {
      throw new Fault(
        'overloaded',
        `${total} requests are under way, with bodies of ${bodiesBytes} bytes. Nothing of this one was done; try again in a few seconds.`,
        { retryAfterSeconds },
      );
    }
    bodiesBytes += bytes;
    let isCounted = false;
    const count = () => {
      isCounted = true;
      total += 1;
      underWay.set(name, (underWay.get(name) ?? 0) + 1);
    };
    // The body of a GET stays unread.
    if (bytes === 0 || request.method === 'GET') count();
    else request.once('end', count);
    whenOver(response, () => {
      request.off('end', count);
      bodiesBytes -= bytes;
      if (!isCounted) return;
      total -= 1;
      const left = (underWay.get(name) ?? 0) - 1;
      if (left > 0) underWay.set(name, left);
      else underWay.delete(name);
    });
    next();
  };
}

/** The number of bytes that a request's body may use. A body without a length counts with the maximum. */
function bodyBytes(request: Request, max: number): number {
  if (request.get('Transfer-Encoding') !== undefined) return max;
  return Math.min(Number(request.get('Content-Length') ?? 0) || 0, max);
}
