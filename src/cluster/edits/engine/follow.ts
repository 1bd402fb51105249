import { once } from 'node:events';

import type { Followed } from '../../../changes/change.ts';
import type { ClusterHost } from '../../paths.ts';
import { waitUntilIdle } from '../../../pacemaker/idle.ts';
import type { ConfigurationReader } from '../../reading/configuration.ts';
import { type FindStoppedDaemons, sentenceOf } from '../../daemons.ts';
import type { StateReader } from '../../reading/state.ts';
import { heldBackIn } from '../../why/held-back.ts';
import type { HeldBack, Seen } from '../../why/obstacles.ts';
import { disappointmentsOf, type ExpectedResource } from '../../why/outcome.ts';
import type { ClusterChange } from '../cluster-change.ts';
import { configurationIn } from './cib-edit.ts';

export interface FollowParts {
  host: ClusterHost;
  configuration: ConfigurationReader;
  state: StateReader;
  findStoppedDaemons: FindStoppedDaemons;
}

/** Watches the cluster after a change. */
export interface Follower {
  /**
   * Reads the state before a change. It is mostly cached, so a caller who does not wait for the outcome does not wait for
   * this either.
   */
  knownBefore(): Promise<Seen | undefined>;
  /** @returns sentences that say why the cluster may stay busy */
  stopped(): Promise<string[]>;
  /** @param made the facts that are known right after the change */
  follow(change: ClusterChange<unknown>, made: MadeSoFar, stopping: AbortSignal): Promise<Followed>;
}

export interface MadeSoFar {
  waitMs: number | undefined;
  /** Whether the cluster has become idle, as far as the change itself waited for that. */
  settled: boolean;
  /** The state before the change, if nobody waits for the outcome. */
  known: Promise<Seen | undefined> | undefined;
  /** The reasons that the last edit has left in the configuration; undefined without an edit. */
  heldBack: HeldBack | undefined;
}

export function makeFollower(parts: FollowParts): Follower {
  const { host, configuration, state, findStoppedDaemons } = parts;

  async function stopped(): Promise<string[]> {
    const daemons = await findStoppedDaemons();
    return daemons.length === 0 ? [] : [sentenceOf(daemons)];
  }

  /** A failed wait does not fail the change. */
  async function isIdleWithin(maxMs: number): Promise<boolean> {
    try {
      return await waitUntilIdle(host, maxMs);
    } catch {
      return false;
    }
  }

  /** A stopping service does not wait. The answer then says that the cluster is still busy. */
  async function isIdle(maxMs: number, stopping: AbortSignal): Promise<boolean> {
    if (stopping.aborted) return false;
    const over = new AbortController();
    const aborted = once(stopping, 'abort', { signal: over.signal }).then(
      () => false,
      () => false,
    );
    try {
      return await Promise.race([isIdleWithin(maxMs), aborted]);
    } finally {
      // Otherwise every waiting change would leave a listener.
      over.abort();
    }
  }

  /**
   * Says how the resource differs from what the change is meant to lead to. A failed reading does not fail the change.
   */
  async function disappointments(
    expects: ExpectedResource,
    { known, heldBack }: MadeSoFar,
  ): Promise<string[]> {
    // Only the cluster knows whether these places count.
    const maySayStopped = expects.isStarted === true && (heldBack?.stopped ?? []).length > 0;
    if (known !== undefined && !maySayStopped) {
      const seen = await known;
      return seen ? disappointmentsOf({ ...seen, heldBack }, expects, 'before') : [];
    }
    try {
      const [reading, { cib, xml }] = await Promise.all([state.renew(), configuration.get()]);
      const seen = {
        state: reading.state,
        cib,
        heldBack: heldBack ?? heldBackIn(configurationIn(xml), expects.resource),
      };
      return disappointmentsOf(seen, expects, known === undefined ? 'after' : 'made');
    } catch {
      return [];
    }
  }

  return {
    stopped,

    async knownBefore() {
      try {
        const [reading, { cib }] = await Promise.all([state.get(), configuration.get()]);
        return { state: reading.state, cib };
      } catch {
        return undefined;
      }
    },

    async follow({ afterwards = 'running', expects, waitsForResource }, made, stopping) {
      const { waitMs, settled } = made;
      if (afterwards === 'maybe stopped') return { settled, asExpected: true, warnings: [] };
      if (waitMs !== undefined && settled && !(await isIdle(waitMs, stopping))) {
        return { settled: false, asExpected: true, warnings: await stopped() };
      }
      if (expects === undefined) return { settled, asExpected: true, warnings: [] };
      const warnings = await disappointments(expects, made);
      const isWaitedFor = waitMs !== undefined || waitsForResource === true;
      return { settled, asExpected: !isWaitedFor || warnings.length === 0, warnings };
    },
  };
}
