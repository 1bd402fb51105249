import { setTimeout as sleep } from 'node:timers/promises';

import { NotWell } from '../failure.ts';
import { print, warn } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { pathOf } from './find.ts';
import type { WaitOptions } from './options.ts';
import { balancer, nameOf, type ShownBalancer, type ShownStatus, status } from './shown.ts';

const pauseMs = 200;

/** The seconds that a request waits. */
export function waitOf({ wait, timeout }: WaitOptions): number {
  return wait ? timeout : 0;
}

/**
 * Prints how an accepted change has ended, or how to see that.
 * @param what the sentence without its full stop, such as `The load balancer web is made`
 * @throws NotWell if it has failed, or goes on
 */
export async function report(
  client: BalancerClient,
  of: Pick<ShownBalancer, 'id' | 'name'>,
  what: string,
  options: WaitOptions,
): Promise<void> {
  const name = nameOf(of);
  if (!options.wait) {
    print(`${what}, and its nodes follow: 'hactl lb show ${name}' says how far they are.`);
    return;
  }
  const path = pathOf(of);
  const found = await client.getIfThere(path, balancer);
  const provisioning = found?.provisioning_status ?? 'DELETED';
  if (provisioning.startsWith('PENDING')) {
    throw new NotWell('unsettled', [
      `The change was accepted, and ${name} is still ${provisioning} after ${options.timeout} s. 'hactl lb show ${name}' says why.`,
    ]);
  }
  if (provisioning !== 'DELETED') await demandOnNodes(client, path, { provisioning, ...options });
  print(`${what}.`);
}

/** One node that is away gets the change later, and the other one serves meanwhile. */
async function demandOnNodes(
  client: BalancerClient,
  path: string,
  { provisioning, timeout }: { provisioning: string; timeout: number },
): Promise<void> {
  const { last_error: error, nodes } = await tried(client, path, timeout);
  const isServed = provisioning !== 'ERROR' && nodes.some((each) => each.error === error);
  if (error === null ? provisioning !== 'ERROR' : isServed) {
    if (error !== null) warn(error);
    return;
  }
  throw new NotWell('failing', [
    `The change was accepted, and not everything is on its nodes: ${error ?? 'its cause is not known.'} It is tried again.`,
  ]);
}

/** What has failed before is PENDING no more, also while it is tried again. No attempt is counted meanwhile. */
async function tried(client: BalancerClient, path: string, timeout: number): Promise<ShownStatus> {
  const until = performance.now() + timeout * 1000;
  for (;;) {
    const found = await client.get(`${path}/status`, status);
    const isUnderWay = found.last_error !== null && found.attempts === 0;
    if (!isUnderWay || performance.now() >= until) return found;
    await sleep(pauseMs);
  }
}
