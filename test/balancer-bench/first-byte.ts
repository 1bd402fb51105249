import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Witness } from '../amphora-bench/figures/witness.ts';
import type { Balancing } from '../balancer-system/bench.ts';
import { makeSimple, type Simple } from '../balancer-system/making.ts';
import { settled } from '../balancer-system/nodes.ts';

export interface FirstByte {
  kind: 'first';
  ms: number;
  lateMs: number;
}

export type ChangesResult =
  | FirstByte
  | { kind: 'change'; what: string; ms: number; lateMs: number; problem?: string }
  /** What the clients of some changes got. */
  | { kind: 'load'; requests: number; failures: readonly string[]; lateMs: number };

/** Pairs of three nodes. */
const pairs = 3;

/** Places load balancers until each pair of nodes has its VRRP instance, and removes them. */
export async function warmUp(at: Balancing): Promise<void> {
  const made: Simple[] = [];
  for (let count = 0; count < pairs; count += 1) made.push(await makeSimple(at));
  for (const each of made) await settled(at, each);
  for (const each of made) await each.remove();
}

/** Makes a load balancer by six requests, and waits for the first answer of a member at its VIP. */
export async function firstByte(at: Balancing, witness: Witness): Promise<FirstByte> {
  const begun = performance.now();
  const made = await makeSimple(at);
  while (!(await answers(made.address))) await sleep(5);
  const ms = performance.now() - begun;
  const lateMs = witness.worstSince(begun);
  await made.remove();
  return { kind: 'first', ms, lateMs };
}

/** Asks from this machine, which is in the network of the hosts. */
async function answers(host: string): Promise<boolean> {
  const request = http.get({ host, port: 80, agent: false, signal: AbortSignal.timeout(250) });
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.destroy();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}
