import type { LabNode } from '../lab/lab.ts';
import { answering } from '../gateway-bench/watching.ts';
import { now } from '../gateway-bench/asks.ts';

/** A way to lose the node that has the VIP. */
export interface Outage {
  name: string;
  title: string;
  begin(node: LabNode): Promise<unknown>;
  /** @returns when the node could be asked again, by the monotonic clock */
  repair(node: LabNode): Promise<number>;
}

export const outages: readonly Outage[] = [
  {
    name: 'power',
    title: 'the power of the node with the VIP is cut',
    begin: (node) => node.crash(),
    async repair(node) {
      const [at] = await Promise.all([answering(node.address), node.boot()]);
      return at;
    },
  },
  {
    name: 'network',
    title: 'the network of the node with the VIP is cut',
    begin: (node) => node.cut(),
    async repair(node) {
      await node.mend();
      return now();
    },
  },
];
