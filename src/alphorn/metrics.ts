import { Gauge, type Registry } from 'prom-client';

import type { DaemonStatus } from './sending/daemon-status.ts';
import type { AlphornStatus } from './status.ts';

const states = ['synced', 'lacking', 'pending', 'failing', 'self'] as const satisfies readonly [
  ...DaemonStatus['destinations'][number]['state'][],
];

/** Adds the state of the sender of this host. The sender is asked when the metrics are read. */
export function addAlphornMetrics(registry: Registry, status: () => Promise<AlphornStatus>): void {
  const registers = [registry];
  const running = new Gauge({
    name: 'ha_agent_alphorn_running',
    help: 'Whether the sender runs on this host.',
    registers,
  });
  const whole = new Gauge({
    name: 'ha_agent_alphorn_whole',
    help: 'Whether the liferaft of this host has everything that it takes to bring the host back.',
    registers,
  });
  const lag = new Gauge({
    name: 'ha_agent_alphorn_lag_seconds',
    help: 'How long the destination furthest behind has lacked the latest liferaft.',
    registers,
  });
  new Gauge({
    name: 'ha_agent_alphorn_destinations',
    help: 'Destinations by state.',
    labelNames: ['state'],
    registers,
    // The sender is asked once for all of them: this gauge sets the others.
    async collect() {
      const now = await status().catch(() => undefined);
      const destinations = now?.destinations ?? [];
      running.set(now?.running ? 1 : 0);
      whole.set(now?.liferaft?.whole ? 1 : 0);
      lag.set(Math.max(0, ...destinations.map(({ lagMs }) => (lagMs ?? 0) / 1000)));
      for (const state of states) {
        this.set({ state }, destinations.filter((each) => each.state === state).length);
      }
    },
  });
}
