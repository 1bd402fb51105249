import type { FaultCode } from '../../kit/fault.ts';
import type { LeftOut } from '../collecting/left-out.ts';

/** The state of the sender of this host. */
export interface DaemonStatus {
  running: true;
  enabled: boolean;
  /** Milliseconds. */
  interval: number;
  /** Null if the host has no id. */
  host: { id: string; name: string } | null;
  /** This host's own liferaft; null before the first one was made. */
  liferaft: OwnLiferaftStatus | null;
  /** What is wrong with the own liferaft or the settings. */
  error: { code: FaultCode | 'internal_error'; detail: string } | null;
  destinations: readonly DestinationStatus[];
}

export interface OwnLiferaftStatus {
  generation: number;
  digest: string;
  /** The size of the whole archive. */
  bytes: number;
  /** ISO 8601 in UTC. */
  madeAt: string;
  files: number;
  /** Whether it has all essential files. */
  whole: boolean;
  /** Paths that the rules include and that are not in it as they are now, essential ones first. */
  leftOut: readonly LeftOut[];
  /** How many more there are than are listed. */
  leftOutMore: number;
}

export interface DestinationStatus {
  /** As written in the settings. */
  destination: string;
  /**
   * `synced`: it has the current liferaft, by its last answer. `pending`: it is about to get it. `failing`: the last
   * attempt failed. `self`: it is this host. `lacking`: it has the current one, which is not whole.
   */
  state: 'synced' | 'lacking' | 'pending' | 'failing' | 'self';
  /** When it last confirmed that it has the current one, ISO 8601 in UTC. */
  lastSuccess: string | null;
  /** Stays after the error is over, for a reader who looks later. */
  lastError: { at: string; code: FaultCode; detail: string } | null;
  /** How long it has not had the current one, in milliseconds; null if it has it. */
  lagMs: number | null;
  /** The digest of the liferaft that it is known to have. */
  digest: string | null;
  /** The size of the last one that was sent to it. */
  bytes: number | null;
}
