import type { LabNode } from '../lab/lab.ts';

/** A way to hurt the host that has the address. */
export interface Outage {
  name: string;
  title: string;
  preempt: boolean;
  begin(node: LabNode): Promise<unknown>;
  repair(node: LabNode): Promise<unknown>;
  /** The time without an answer that is allowed, in milliseconds. @param skewMs of the host that takes over */
  barMs(skewMs: number): number;
}

/** Seconds between two adverts. */
export const interval = 0.5;
/** RFC 5798, section 6.1: Master_Down_Interval. */
const masterDown = (skewMs: number): number => 3 * interval * 1000 + skewMs + 300;
const nothing = () => Promise.resolve();
/** systemd starts it again after a second. */
const terminate = (node: LabNode) =>
  node.run(['systemctl', 'kill', '--kill-who=main', '--signal=TERM', 'ha-keepalived.service']);

export const outages: readonly Outage[] = [
  {
    name: 'stop',
    title: 'SIGTERM of keepalived',
    preempt: true,
    begin: terminate,
    repair: nothing,
    barMs: () => 800,
  },
  {
    name: 'network',
    title: "the master's network is cut",
    preempt: true,
    begin: (node) => node.cut(),
    repair: (node) => node.mend(),
    barMs: masterDown,
  },
  {
    name: 'power',
    title: "the master's power is cut",
    preempt: true,
    begin: (node) => node.crash(),
    repair: (node) => node.boot(),
    barMs: masterDown,
  },
  {
    name: 'stay',
    title: 'SIGTERM of keepalived, `preempt` false',
    preempt: false,
    begin: terminate,
    repair: nothing,
    barMs: () => 800,
  },
];
