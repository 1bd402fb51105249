import type { FaultCode } from '../../kit/fault.ts';
import type { LeftOut } from '../collecting/left-out.ts';

/** How the sender of this host is doing. */
export interface DaemonStatus {
  running: true;
  enabled: boolean;
  /** Milliseconds. */
  interval: number;
  /** Null where the host has no id. */
  host: { id: string; name: string } | null;
  /** This host's own; null before the first was made. */
  liferaft: OwnLiferaftStatus | null;
  /** Why the own liferaft or the settings are not what they should be. */
  error: { code: FaultCode | 'internal_error'; detail: string } | null;
  destinations: readonly DestinationStatus[];
}

export interface OwnLiferaftStatus {
  generation: number;
  digest: string;
  /** Of the whole archive. */
  bytes: number;
  /** ISO 8601 in UTC. */
  madeAt: string;
  files: number;
  /** Whether all is in it that a host cannot be brought back without. */
  whole: boolean;
  /** What the rules name and what is not in it as it is now, the essential first. */
  leftOut: readonly LeftOut[];
  /** How many more than are listed. */
  leftOutMore: number;
}

export interface DestinationStatus {
  /** As it stands in the settings. */
  destination: string;
  /**
   * `synced`: it has the current liferaft, as of its last answer. `pending`: it is about to get it. `failing`: the
   * last try failed. `self`: it is this host. `lacking`: it has the current one, and that is not whole.
   */
  state: 'synced' | 'lacking' | 'pending' | 'failing' | 'self';
  /** When it last answered that it has the current one, ISO 8601 in UTC. */
  lastSuccess: string | null;
  /** Stays when it is over, for who looks later. */
  lastError: { at: string; code: FaultCode; detail: string } | null;
  /** For how many milliseconds it has not had the current one; null if it has. */
  lagMs: number | null;
  /** Of the liferaft that it is known to have. */
  digest: string | null;
  /** Of the last that was sent to it. */
  bytes: number | null;
}
