export interface FuzzOptions {
  seed: number;
  count: number;
  /** The number of the only request to send. */
  only?: number;
}

/** The result of a run. */
export interface FuzzOutcome {
  requests: number;
  /** The number of answers by status; `none` counts bytes without an answer. */
  statuses: Readonly<Record<string, number>>;
  families: Readonly<Record<string, number>>;
  /** The number of commands that were started. */
  commands: number;
  /** The numbers of rows: all, those that were asked, and those that answered with a 2xx. */
  rows: { all: number; asked: number; well: number };
  /** Bytes, see Memory. */
  growth: number;
  /** Defects; empty if there are none. */
  findings: readonly string[];
  /** The single requested request, and its answer. */
  described?: string;
}

export function isWellStatus(status: number): boolean {
  return status >= 200 && status < 300;
}
