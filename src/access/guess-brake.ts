import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import { sourceNetwork } from './source-network.ts';

const freeGuesses = 3;
const firstDelayMs = 250;
const longestDelayMs = 5000;
const forgetAfterMs = 10 * 60 * 1000;
/** Answers held back at once for one source; beyond it, more connections would buy more guesses. */
const heldAtOnce = 8;
const sourcesKept = 10_000;

interface Guesser {
  guesses: number;
  held: number;
  lastAt: number;
}

/**
 * Slows down a source that keeps guessing tokens. Sound tokens are never held up, so nobody is locked
 * out by a neighbour behind the same address.
 */
export interface GuessBrake {
  /**
   * Takes note of a wrong token and returns when the answer may go out.
   * @param source the caller's IP address
   * Faults: `too_many_attempts`
   */
  wrongToken(source: string): Promise<void>;
}

/** @param log is told once when a source begins to be held up */
export function makeGuessBrake(
  log: Log,
  wait: (ms: number) => Promise<unknown> = (ms) => sleep(ms),
  now: () => number = () => performance.now(),
): GuessBrake {
  // In the order of the latest guess, so that the first is the one to forget.
  const guessers = new Map<string, Guesser>();

  return {
    async wrongToken(address) {
      const source = sourceNetwork(address);
      const known = guessers.get(source);
      const fresh = known !== undefined && now() - known.lastAt < forgetAfterMs;
      const guesser = fresh ? known : { guesses: 0, held: known?.held ?? 0, lastAt: 0 };
      guesser.guesses += 1;
      guesser.lastAt = now();
      guessers.delete(source);
      guessers.set(source, guesser);
      if (guessers.size > sourcesKept) guessers.delete(guessers.keys().next().value ?? '');

      if (guesser.guesses <= freeGuesses) return;
      if (guesser.guesses === freeGuesses + 1) {
        log.warn({ source }, 'wrong tokens keep coming from here; answers are held up');
      }
      const delayMs = Math.min(
        firstDelayMs * 2 ** (guesser.guesses - freeGuesses - 1),
        longestDelayMs,
      );
      if (guesser.held >= heldAtOnce) {
        throw new Fault(
          'too_many_attempts',
          'Too many wrong tokens from this address. Wait, then use a valid one.',
          {
            retryAfterSeconds: Math.ceil(longestDelayMs / 1000),
          },
        );
      }
      guesser.held += 1;
      await wait(delayMs).finally(() => {
        guesser.held -= 1;
      });
    },
  };
}
