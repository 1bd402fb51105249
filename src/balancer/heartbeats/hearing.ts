import type { KnownBalancer } from '../deploying.ts';
import type { Statistics } from '../objects.ts';
import type { Beat } from './beat.ts';
import { type Counting, makeCounting } from './counting.ts';
import type { NodeSaid } from './operating.ts';
import { makeSequence, type Sequence } from './sequence.ts';

/** Milliseconds. */
export interface BeatTimes {
  /** Between two heartbeats of a node. */
  intervalMs: number;
  /** Without a heartbeat for so long, a node counts as lost. */
  timeoutMs: number;
}

interface HeardBeat {
  beat: Beat;
  at: number;
}

interface Ear {
  sequence: Sequence;
  counting: Counting;
  last: HeardBeat | undefined;
  former: HeardBeat | undefined;
}

/** What was heard of each node. */
export interface Hearing {
  /**
   * @param isAlive whether the connection to the node says that it lives
   * @returns what its listeners have counted since its heartbeat before; undefined if this one is old
   */
  take(
    node: number,
    beat: Beat,
    isAlive: () => boolean,
  ): ReadonlyMap<string, Statistics> | undefined;
  /** To be called often. A long time since the last call is a pause of this process. */
  tick(): void;
  /**
   * What a node has said about a load balancer.
   * @param settledAt when the load balancer was last changed
   */
  said(node: number, balancer: KnownBalancer, settledAt: number): Omit<NodeSaid, 'isMaster'>;
  /** When a node was heard last, by the clock. */
  heardAt(node: number): number | undefined;
  /** Since when a node could have been heard that was placed then. */
  listeningSince(placedAt: number): number;
}

/** So much longer than usual, and this process stood still. */
const pauseMs = 1000;

/** @param now milliseconds of a clock that only goes forward, and goes on while this process stands still */
export function makeHearing(
  { intervalMs, timeoutMs, tickMs }: BeatTimes & { tickMs: number },
  now: () => number,
): Hearing {
  const ears = new Map<number, Ear>();
  // While this process does not listen, nobody can be heard.
  const state = { deafUntil: now(), tickedAt: now() };

  function earOf(node: number): Ear {
    const ear = ears.get(node) ?? {
      sequence: makeSequence(intervalMs),
      counting: makeCounting(),
      last: undefined,
      former: undefined,
    };
    ears.set(node, ear);
    return ear;
  }

  const listeningSince = (placedAt: number) => Math.max(placedAt, state.deafUntil);

  function hearingOf(ear: Ear | undefined, placedAt: number): NodeSaid['hearing'] {
    const time = now();
    if (ear?.last && time - listeningSince(ear.last.at) <= timeoutMs) return 'heard';
    return time - Math.max(listeningSince(placedAt), ear?.last?.at ?? -Infinity) <= timeoutMs
      ? 'waiting'
      : 'lost';
  }

  return {
    take(node, beat, isAlive) {
      const ear = earOf(node);
      const at = now();
      if (!ear.sequence.take(beat.seq, at, isAlive)) return undefined;
      ear.former = ear.last;
      ear.last = { beat, at };
      return ear.counting.add(beat);
    },
    tick() {
      const time = now();
      if (time - state.tickedAt > tickMs + pauseMs) state.deafUntil = time;
      state.tickedAt = time;
    },
    said(node, { placedAt }, settledAt) {
      const ear = ears.get(node);
      const hearing = hearingOf(ear, placedAt);
      const former = ear?.former && ear.former.at > settledAt ? ear.former.beat : undefined;
      return { node, hearing, last: hearing === 'heard' ? ear?.last?.beat : undefined, former };
    },
    heardAt: (node) => ears.get(node)?.last?.at,
    listeningSince,
  };
}
