import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import { sourceNetwork } from './source-network.ts';

const freeGuesses = 3;
const firstDelayMs = 250;
const maxDelayMs = 5000;
const forgetAfterMs = 10 * 60 * 1000;
/** Max number of delayed answers for one source; without it, more connections would allow more guesses. */
const maxDelayed = 8;
const maxSources = 10_000;

interface Guesser {
  guesses: number;
  delayed: number;
  lastAt: number;
}

/**
 * Slows down a source that keeps guessing tokens. Valid tokens are never delayed, so a guesser does not lock out others
 * behind the same address.
 */
export interface GuessBrake {
  /**
   * Records a wrong token and returns when the answer may be sent.
   * @param source the caller's IP address
   * Faults: `too_many_attempts`
   */
  wrongToken(source: string): Promise<void>;
}

/** @param log gets a line when a source begins to be delayed */
export function makeGuessBrake(
  log: Log,
  wait: (ms: number) => Promise<unknown> = (ms) => sleep(ms),
  now: () => number = () => performance.now(),
): GuessBrake {
  // In the order of their latest guess, so the first one is forgotten first.
  const guessers = new Map<string, Guesser>();

  return {
    async wrongToken(address) {
      const source = sourceNetwork(address);
      const known = guessers.get(source);
      const fresh = known !== undefined && now() - known.lastAt < forgetAfterMs;
      const guesser = fresh ? known : { guesses: 0, delayed: known?.delayed ?? 0, lastAt: 0 };
      guesser.guesses += 1;
      guesser.lastAt = now();
      guessers.delete(source);
      guessers.set(source, guesser);
      if (guessers.size > maxSources) guessers.delete(guessers.keys().next().value ?? '');

      if (guesser.guesses <= freeGuesses) return;
      if (guesser.guesses === freeGuesses + 1) {
        log.warn({ source }, 'repeated wrong tokens from this address; answers to it are delayed');
      }
      const delayMs = Math.min(firstDelayMs * 2 ** (guesser.guesses - freeGuesses - 1), maxDelayMs);
      if (guesser.delayed >= maxDelayed) {
        throw new Fault(
          'too_many_attempts',
          'Too many wrong tokens from this address. Wait a moment, then use a valid token.',
          {
            retryAfterSeconds: Math.ceil(maxDelayMs / 1000),
          },
        );
      }
      guesser.delayed += 1;
      await wait(delayMs).finally(() => {
        guesser.delayed -= 1;
      });
    },
  };
}
