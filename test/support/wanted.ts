import type { WantedInstance } from '../../src/keepalived/wanted.ts';

/** An instance in unicast on the interface of `makeKeepalivedHost`. */
export function wantedInstance(more: Partial<WantedInstance> = {}): WantedInstance {
  return {
    name: 'vg_1',
    family: 'ipv4',
    interface: 'eth1',
    routerId: 1,
    priority: 100,
    interval: 0.5,
    addresses: ['10.77.0.100/24'],
    peers: ['10.77.0.12'],
    source: '10.77.0.11',
    preempt: true,
    syncGroup: null,
    check: null,
    ...more,
  };
}

/** The same in IPv6. */
export function wantedInstance6(more: Partial<WantedInstance> = {}): WantedInstance {
  return wantedInstance({
    name: 'vg_1_v6',
    family: 'ipv6',
    addresses: ['fd77::100/64'],
    peers: ['fd77::12'],
    source: 'fd77::11',
    ...more,
  });
}

export const tcpCheck = {
  type: 'tcp',
  port: 8080,
  intervalSeconds: 1,
  timeoutSeconds: 1,
  fall: 1,
  rise: 1,
} as const;
