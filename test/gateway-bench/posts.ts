import type { Witness } from '../amphora-bench/figures/witness.ts';
import type { Gateway } from '../gateway-system/bench.ts';
import { waitUntil } from '../lab/wait.ts';
import { startAsking } from './asking.ts';
import { now } from './asks.ts';
import { makeGroup } from './lab.ts';
import { interval } from './outages.ts';
import { servicePort } from './service.ts';

export interface PostResult {
  kind: 'post';
  /** From the POST to the first answer of the best host at the address. */
  answersMs: number;
  /** From the POST to the word of the API that it is MASTER. */
  masterMs: number;
  lateMs: number;
}

/** Makes a group, waits until its best host answers, and removes it. */
export async function postOnce(
  gateway: Gateway,
  witness: Witness,
  address: string,
): Promise<PostResult> {
  const best = { name: gateway.lab.nodes[1]?.name, id: gateway.ids[1] };
  const asking = startAsking({ address, port: servicePort, everyMs: 5, timeoutMs: 250 });
  try {
    await waitUntil('the client to ask', () => asking.asks(0, now()).length > 0, { everyMs: 20 });
    const startedAt = performance.now();
    const begun = now();
    const making = makeGroup(gateway, { address, interval, preempt: true });
    let masterAt = 0;
    const seeing = waitUntil(
      'the best host to be MASTER',
      async () => {
        const group = (await gateway.groups()).find(({ virtual_ip: ip }) => ip === address);
        masterAt = now();
        return group?.real_nodes.find(({ node }) => node === best.id)?.status === 1;
      },
      { everyMs: 25 },
    );
    // The POST may be answered later than the API shows the group.
    const [id] = await Promise.all([making, seeing]);
    await asking.steady('the best host to answer', (name) => name === best.name, 300);
    const first = asking.asks(begun, now()).find(({ by }) => by === best.name)?.start ?? now();
    const lateMs = witness.worstSince(startedAt);
    await gateway.call('DELETE', `/1/virtual_groups/${id}`);
    return { kind: 'post', answersMs: first - begun, masterMs: masterAt - begun, lateMs };
  } finally {
    await asking.stop();
  }
}
