import { randomBytes } from 'node:crypto';

/** Lets what cannot be undone be done only by who asked for it twice. */
export interface Confirmations {
  /** Whether this node asks for them at all. */
  required: boolean;
  lifetimeSeconds: number;
  /** A token that this caller can repeat this request with, once. */
  issue(caller: string, request: string): string;
  /** Whether it is such a token, and has not ended; it is of no use afterwards. */
  redeem(token: string, caller: string, request: string): boolean;
}

const lifetimeSeconds = 60;
/** More than any UI has open; beyond, the oldest is of no use any more. */
const maxTokens = 1000;

/** @param now a monotonic clock in milliseconds */
export function makeConfirmations(required: boolean, now = () => performance.now()): Confirmations {
  const issued = new Map<string, { caller: string; request: string; until: number }>();
  return {
    required,
    lifetimeSeconds,
    issue(caller, request) {
      const [oldest] = issued.keys();
      if (oldest !== undefined && issued.size >= maxTokens) issued.delete(oldest);
      const token = randomBytes(16).toString('hex');
      issued.set(token, { caller, request, until: now() + lifetimeSeconds * 1000 });
      return token;
    },
    redeem(token, caller, request) {
      const found = issued.get(token);
      if (found?.caller !== caller || found.request !== request) return false;
      issued.delete(token);
      return now() < found.until;
    },
  };
}
