import { Gauge, type Registry } from 'prom-client';

import type { LocalStatus } from '../../../routes/controller/local.ts';

/** Adds gauges of the controller to a registry. No name of a node becomes a label, so their number is bounded. */
export function addControllerMetrics(registry: Registry, status: () => Promise<LocalStatus>): void {
  new Gauge({
    name: 'ha_controller_nodes',
    help: 'Nodes by whether they answer and take orders.',
    labelNames: ['reachable', 'refusing'],
    registers: [registry],
    async collect() {
      const { nodes } = await status();
      for (const [reachable, refusing] of pairs) {
        const these = nodes.filter(
          (node) =>
            node.is_reachable === reachable &&
            (node.is_reachable && node.trouble !== null) === refusing,
        );
        this.set({ reachable: `${reachable}`, refusing: `${refusing}` }, these.length);
      }
    },
  });
  new Gauge({
    name: 'ha_controller_store_epoch',
    help: 'The epoch of the store; each restore from a backup raises it.',
    registers: [registry],
    async collect() {
      this.set((await status()).store.epoch);
    },
  });
}

const pairs = [
  [true, false],
  [true, true],
  [false, false],
] as const;
