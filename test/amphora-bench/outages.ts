import { setTimeout as sleep } from 'node:timers/promises';

import { ids } from '../lab/amphora/life-cycle.ts';
import type { AmphoraNode } from '../lab/amphora/lab.ts';

/** A way to hurt the host that has the VIP. */
export interface Outage {
  name: string;
  title: string;
  begin(node: AmphoraNode): Promise<unknown>;
  repair(node: AmphoraNode): Promise<unknown>;
  /** Whether the other host takes the VIP. */
  movesVip: boolean;
  /**
   * Whether the host has the VIP all the time, as one whose network is cut. Then the one with the higher priority has it
   * afterwards (RFC 5798, section 6.4.3), and otherwise the one that took it.
   */
  keepsVip?: boolean;
  /**
   * The time without service that is allowed, in milliseconds.
   * @param skewMs of the host that takes over: (256 - priority) / 256 of a second
   */
  barMs(skewMs: number): number;
}

const advertMs = 1000;
/** RFC 5798, section 6.1: Master_Down_Interval. */
const masterDown = (skewMs: number): number => 3 * advertMs + skewMs + 300;
const haproxy = `amphora-haproxy@${ids.lb}.service`;
const signal = (node: AmphoraNode, name: string, unit: string) =>
  node.run(['systemctl', 'kill', `--signal=${name}`, unit]);
const control = (node: AmphoraNode, action: string, unit: string) =>
  node.run(['systemctl', action, unit]);
const nothing = () => Promise.resolve();

export const outages: readonly Outage[] = [
  {
    name: 'power',
    title: "the master's power is cut",
    begin: (node) => node.crash(),
    repair: (node) => node.boot(),
    movesVip: true,
    barMs: masterDown,
  },
  {
    name: 'network',
    title: "the master's network is cut",
    begin: (node) => node.cut(),
    repair: (node) => node.mend(),
    movesVip: true,
    keepsVip: true,
    barMs: masterDown,
  },
  {
    name: 'keepalived',
    title: 'keepalived is stopped on the master',
    begin: (node) => control(node, 'stop', 'amphora-keepalived'),
    repair: (node) => control(node, 'start', 'amphora-keepalived'),
    movesVip: true,
    barMs: () => 500,
  },
  {
    name: 'haproxy-killed',
    title: 'haproxy is killed',
    begin: (node) => signal(node, 'KILL', haproxy),
    repair: nothing,
    movesVip: false,
    barMs: () => 1000,
  },
  {
    name: 'haproxy-hangs',
    title: 'haproxy hangs (SIGSTOP)',
    begin: (node) => signal(node, 'STOP', haproxy),
    repair: (node) => signal(node, 'CONT', haproxy),
    movesVip: true,
    barMs: () => 12_000,
  },
  {
    name: 'agent-killed',
    title: 'the agent is killed',
    begin: (node) => signal(node, 'KILL', 'ha-amphora'),
    repair: nothing,
    movesVip: false,
    barMs: () => 0,
  },
  {
    name: 'agent-stopped',
    title: 'the agent is stopped for five seconds',
    begin: async (node) => {
      await control(node, 'stop', 'ha-amphora');
      await sleep(5000);
    },
    repair: (node) => control(node, 'start', 'ha-amphora'),
    movesVip: false,
    barMs: () => 0,
  },
];
