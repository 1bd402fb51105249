import { makeSlots, SlotsFull } from '../../kit/concurrency/slots.ts';
import { Fault } from '../../kit/fault.ts';
import { maxNodeRequests, type NodeClient } from './client.ts';
import type { NodeAnswer, NodeTextRequest } from './nodes.ts';

/** Each load balancer of a node has at most one request at a time. */
const maxWaiting = 2000;

export interface RequesterParts {
  client: () => NodeClient;
  /** Why the link does not reach the node now; undefined if it does, or has not tried yet. */
  failure: () => string | undefined;
  stopping: AbortSignal;
}

/**
 * Requests of families to one node. A node that was just found to give no answer is not asked, because each attempt would
 * take seconds; the link itself goes on trying.
 * Faults: `node_unreachable`
 */
export function makeRequester({
  client,
  failure,
  stopping,
}: RequesterParts): (
  request: NodeTextRequest,
  deadlineMs: number,
  signal?: AbortSignal,
) => Promise<NodeAnswer> {
  const slots = makeSlots(maxNodeRequests, maxWaiting);

  return async (request, deadlineMs, signal) => {
    const until = performance.now() + deadlineMs;
    const deadline = AbortSignal.timeout(deadlineMs);
    const isGivenUp = AbortSignal.any([stopping, ...(signal ? [signal] : [])]);
    const send = () => {
      const why = failure();
      if (why !== undefined) throw new Fault('node_unreachable', why);
      return client().send(request, Math.max(1, Math.ceil(until - performance.now())), isGivenUp);
    };
    try {
      return await slots.run(async () => send(), AbortSignal.any([deadline, isGivenUp]));
    } catch (error) {
      const isTooMuch = error instanceof SlotsFull || deadline.aborted;
      if (error instanceof Fault || (!isTooMuch && !isGivenUp.aborted)) throw error;
      throw new Fault(
        'node_unreachable',
        isTooMuch
          ? 'The node has more requests to answer than it can. They are made again later.'
          : 'The request was given up, because the controller stops or the work is over.',
      );
    }
  };
}
