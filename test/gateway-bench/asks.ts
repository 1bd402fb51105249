/** What a client asks. */
export interface AskPlan {
  address: string;
  port: number;
  everyMs: number;
  /** An answer after this time does not count. */
  timeoutMs: number;
}

export type AskEvent =
  /** One question. `by` is the name of the host that answered; null if none did. */
  | { kind: 'ask'; start: number; by: string | null }
  /** The witness woke up so many milliseconds late. */
  | { kind: 'late'; at: number; ms: number };

export type Ask = Extract<AskEvent, { kind: 'ask' }>;

/** Milliseconds of the monotonic clock, which all processes of this machine and its labs share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
