import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { ConfigurationReader } from '../reading/configuration.ts';
import type { ClusterChange } from './cluster-change.ts';
import { cutShortMoves, finishMoves } from './catalogue/migrate.ts';

const pauseMs = 30_000;

/**
 * Finishes moves that were interrupted when the agent of this host died. It does so once after each start, and waits until
 * the cluster runs. Without Pacemaker there is nothing to finish.
 * @param signal ends the wait
 */
export async function finishUnfinished(
  parts: {
    configuration: ConfigurationReader;
    /** Makes a change in the name of the agent. */
    make: (resources: readonly string[], change: ClusterChange<unknown>) => Promise<unknown>;
    log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  const { configuration, make, log } = parts;
  while (!signal.aborted) {
    try {
      const { xml, source } = await configuration.get();
      if (source === 'live') {
        await finishCutShortMoves(xml);
        return;
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'tool_missing') return;
      log.debug({ code: error.code }, 'unfinished changes cannot be looked for yet');
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }

  async function finishCutShortMoves(xml: string): Promise<void> {
    const resources = cutShortMoves(xml);
    if (resources.length === 0) return;
    await make(resources, finishMoves());
    log.info({ resources }, 'finished moves that were interrupted');
  }
}
