/** What the clients do. Where a TLS port is given, every second client uses it. */
export interface LoadPlan {
  address: string;
  port: number;
  tlsPort?: number;
  serverName?: string;
  /** A file with the authority of the load balancer's certificate. */
  authority?: string;
  /** New connections in a second, with one request each. */
  perSecond: number;
  /** A new connection without an answer after this time has failed. */
  timeoutMs: number;
  /** Clients that keep their connection, and ask five times a second. */
  kept: number;
  /** Clients that download. */
  downloads: number;
  /** What each of them downloads, in ten parts with a pause of so many milliseconds. */
  download: { bytes: number; ms: number };
}

interface Requested {
  /** Milliseconds of the monotonic clock. */
  start: number;
  end: number;
  isTls: boolean;
  /** Who answered. */
  member?: string;
  /** Why there is no right answer. */
  failure?: string;
}

export type LoadEvent =
  | (Requested & { kind: 'new' | 'download' })
  | (Requested & { kind: 'kept'; isReused?: boolean })
  /** A request that met a connection which was just closed, and was sent again. */
  | { kind: 'repeated'; at: number; isTls: boolean }
  /** The witness woke up so many milliseconds late. */
  | { kind: 'late'; at: number; ms: number };

/** Milliseconds of the monotonic clock, the same as in the events. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
