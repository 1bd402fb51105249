import { setTimeout as sleep } from 'node:timers/promises';

import type { Gateway } from '../gateway-system/bench.ts';
import { settled } from '../gateway-system/life.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Asking, gapOf } from './asking.ts';
import { now } from './asks.ts';
import { priorities } from './lab.ts';
import { interval, type Outage } from './outages.ts';

/** What a client has seen. */
export interface SeenGap {
  ms: number;
  unanswered: number;
  barMs: number;
  /** How late the witness woke up at worst meanwhile. */
  lateMs: number;
}

export interface TakeOver {
  outage: string;
  from: string;
  to: string;
  takeOver: SeenGap;
  /** When the host was well again: the better one takes over, or it stays away. */
  comeBack: SeenGap;
}

export interface Measured {
  gateway: Gateway;
  asking: Asking;
  group: number;
  address: string;
}

const comeBackBarMs = 50;

/** Hurts the host that has the address, sees another one answer, and repairs the host. */
export async function takeOverOnce(measured: Measured, outage: Outage): Promise<TakeOver> {
  const { gateway, asking, group, address } = measured;
  const { nodes } = gateway.lab;
  const best = nodes[1]?.name;
  await settled(gateway, group, address);
  const isRight = (name: string) => name !== '' && (!outage.preempt || name === best);
  const from = await asking.steady('the best host to answer', isRight, 500);
  const hurt = nodes.find(({ name }) => name === from) as LabNode;
  const begun = now();
  await outage.begin(hurt);
  const isAnother = (name: string) => name !== '' && name !== from;
  const to = await asking.steady('another host to answer', isAnother, 150);
  const first = asking.asks(begun, now()).find(({ by }) => by === to)?.start ?? now();
  const lost = gapOf(asking.asks(begun - 20, first + 100));
  const repaired = first + 100;
  await outage.repair(hurt);
  if (outage.preempt) await asking.steady('the best host to answer', (name) => name === from, 500);
  else await isBackup(measured, from);
  const end = now() - 300;
  const back = gapOf(asking.asks(repaired, end));
  const skewMs = ((256 - priorityOf(gateway, to)) / 256) * interval * 1000;
  return {
    ...{ outage: outage.name, from, to },
    takeOver: {
      ...{ ms: lost.ms, unanswered: lost.unanswered, barMs: outage.barMs(skewMs) },
      lateMs: asking.lateness(begun, first + 20),
    },
    comeBack: {
      ...{ ms: back.ms, unanswered: back.unanswered, barMs: outage.preempt ? comeBackBarMs : 0 },
      lateMs: asking.lateness(Math.max(repaired, back.end - 1000), back.end + 20),
    },
  };
}

/** Waits until the host is well by the word of the API, and then as long as an election takes. */
async function isBackup({ gateway, group }: Measured, name: string): Promise<void> {
  const id = gateway.ids[gateway.lab.nodes.findIndex((node) => node.name === name)];
  // Its keepalived has to have ended first.
  await sleep(500);
  await waitUntil(`${name} to be BACKUP`, async () => {
    const seen = await gateway.group(group);
    return seen?.real_nodes.find(({ node }) => node === id)?.status === 2;
  });
  await sleep(4 * interval * 1000);
}

function priorityOf({ lab }: Gateway, name: string): number {
  return priorities[lab.nodes.findIndex((node) => node.name === name)] ?? 100;
}
