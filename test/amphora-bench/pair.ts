import { setTimeout as sleep } from 'node:timers/promises';

import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { waitUntil } from '../lab/wait.ts';

/** What is measured about a pair of hosts with one VIP. */
export interface Pair {
  /** The hosts that have the VIP in their namespace. A host that is off has none. */
  holders(): Promise<AmphoraNode[]>;
  /**
   * Waits until one host has the VIP, and the other one would take it.
   * @returns both
   */
  settled(): Promise<{ master: AmphoraNode; standby: AmphoraNode }>;
}

const namespace = 'amphora-haproxy';

/** Runs a command in the tenants' namespace of a node. */
export const inTenants = (node: AmphoraNode, ...argv: string[]) =>
  node.exec(['ip', 'netns', 'exec', namespace, ...argv]);

export async function hasVip(node: AmphoraNode): Promise<boolean> {
  if (!(await node.isOn())) return false;
  const shown = await inTenants(node, 'ip', '-o', 'address', 'show', 'to', tenant.vip.address);
  return shown.stdout !== '';
}

/** The state of VRRP, as the agent says it. */
export async function vrrpState(node: AmphoraNode): Promise<string> {
  const { stdout } = await node.exec(['hactl', 'amphora', 'status', '--output', 'json']);
  return (JSON.parse(stdout) as { vrrp: { state: string } }).vrrp.state;
}

export function pairOf(lab: AmphoraLab): Pair {
  const holders = async (): Promise<AmphoraNode[]> => {
    const has = await Promise.all(lab.nodes.map(hasVip));
    return lab.nodes.filter((_, index) => has[index]);
  };
  return {
    holders,
    async settled() {
      const found: { master?: AmphoraNode; standby?: AmphoraNode } = {};
      await waitUntil('one host to have the VIP, and the other to be its backup', async () => {
        const states = await Promise.all(lab.nodes.map(vrrpState));
        const [master, more] = await holders();
        const standby = lab.nodes[states.indexOf('BACKUP')];
        if (!master || more || !standby || states[lab.nodes.indexOf(master)] !== 'MASTER') {
          return false;
        }
        Object.assign(found, { master, standby });
        return true;
      });
      // keepalived writes its state when it is asked, so one that changes is seen by the second look.
      await sleep(1000);
      const { master, standby } = found;
      if (!master || !standby) throw new Error('no pair');
      return { master, standby };
    },
  };
}
