/** The meaning of a fault for its recipients. */
export interface FaultMeaning {
  /** The HTTP status. */
  status: number;
  title: string;
  /** Whether the detail quotes the stderr of the command, because that says what is wrong. */
  quotesTool?: boolean;
  /**
   * The exit code of `hactl`, see bin/hactl/exit-codes.ts. If a fault can happen before, during or after a change, this
   * states what is known about the change.
   */
  exit: 'refused' | 'failing' | 'unknown' | 'unsettled' | 'usage' | 'unreachable' | 'bug';
}

/** The faults of a family by code. A family declares them in one table, which also defines the type of its codes. */
export type FaultTable = Readonly<Record<string, FaultMeaning>>;

/** The meaning of a fault that does not answer a caller's request. Such a fault ends a command or is a bug. */
export const agentFailed = { status: 500, title: 'The agent failed' } as const;
