import { NotWell } from '../failure.ts';
import { print } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { pathOf } from './find.ts';
import type { WaitOptions } from './options.ts';
import { balancer, nameOf, type ShownBalancer, status } from './shown.ts';

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
  const error =
    provisioning === 'DELETED' ? null : (await client.get(`${path}/status`, status)).last_error;
  if (provisioning === 'ERROR' || error !== null) {
    throw new NotWell('failing', [
      `The change was accepted, and has failed: ${error ?? `'hactl lb show ${name}' says why.`}`,
    ]);
  }
  print(`${what}.`);
}
