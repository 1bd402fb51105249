/** What a fault means to those who receive it. */
export interface FaultMeaning {
  /** The HTTP status. */
  status: number;
  title: string;
  /** Whether the stderr of its command says what is wrong, so that the detail quotes it. */
  quotesTool?: boolean;
  /**
   * How `hactl` ends, see bin/hactl/exit-codes.ts. Where a fault can happen before, during or after a change, this says
   * what is known of the change.
   */
  exit: 'refused' | 'failing' | 'unknown' | 'unsettled' | 'usage' | 'unreachable' | 'bug';
}

/** The faults of a family by code. A family declares them in one table, from which the type of the codes comes. */
export type FaultTable = Readonly<Record<string, FaultMeaning>>;

/** For a fault that is no answer to a caller's request: it ends a command or is a bug. */
export const agentFailed = { status: 500, title: 'The agent failed' } as const;
