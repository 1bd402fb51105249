import { randomBytes } from 'node:crypto';

/** Requires irreversible requests to be confirmed by a second, identical request. */
export interface Confirmations {
  /** Whether this node requires confirmations. */
  required: boolean;
  lifetimeSeconds: number;
  /** Returns a token with which this caller can repeat this request once. */
  issue(caller: string, request: string): string;
  /** Whether the token is valid for this caller and request. A valid token can be used only once. */
  redeem(token: string, caller: string, request: string): boolean;
}

const lifetimeSeconds = 60;
/** More than any UI has open at a time. Above this number, the oldest token becomes invalid. */
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
