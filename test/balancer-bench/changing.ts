import { setTimeout as sleep } from 'node:timers/promises';

import { requestsOf, startClients } from '../amphora-bench/clients.ts';
import type { Witness } from '../amphora-bench/figures/witness.ts';
import type { Balancing } from '../balancer-system/bench.ts';
import { makeSimple, type Simple } from '../balancer-system/making.ts';
import { settled } from '../balancer-system/nodes.ts';
import type { ChangesResult } from './first-byte.ts';

interface Change {
  what: string;
  /** @param turn how often it has been made before */
  make(made: Simple, turn: number): Promise<unknown>;
}

/** What a change has made, which the next one removes. */
const open = new Map<string, string>();

/** Makes an object, and removes it the next time. */
const alternately = async (
  key: string,
  add: () => Promise<string>,
  remove: (id: string) => Promise<unknown>,
): Promise<void> => {
  const id = open.get(key);
  if (id === undefined) open.set(key, await add());
  else {
    open.delete(key);
    await remove(id);
  }
};

/** Each keeps two members that serve, so no request has a reason to fail. */
function changesOf(at: Balancing): readonly Change[] {
  const [, , third, fourth] = at.lab.members;
  return [
    {
      what: 'weight of a member',
      make: (made, turn) =>
        made.put(`/pools/${made.pool}/members/${made.members[2]}`, { weight: 1 + (turn % 9) }),
    },
    {
      what: 'a member disabled, and enabled',
      make: (made, turn) =>
        made.put(`/pools/${made.pool}/members/${made.members[2]}`, { enabled: turn % 2 === 1 }),
    },
    {
      what: 'a member more, and less',
      make: (made) =>
        alternately(
          'member',
          () => made.addMember(made.pool, { ip_address: fourth?.address, protocol_port: 80 }),
          (id) => made.delete(`/pools/${made.pool}/members/${id}`),
        ),
    },
    {
      what: 'limit of the listener',
      make: (made, turn) =>
        made.put(`/listeners/${made.listener}`, { connection_limit: 400 + (turn % 100) }),
    },
    {
      what: 'algorithm of the pool',
      make: (made, turn) => {
        const algorithms = ['LEAST_CONNECTIONS', 'ROUND_ROBIN'];
        return made.put(`/pools/${made.pool}`, { lb_algorithm: algorithms[turn % 2] });
      },
    },
    {
      what: 'threshold of the monitor',
      make: (made, turn) =>
        made.put(`/pools/${made.pool}/healthmonitor`, { fall_threshold: 2 + (turn % 3) }),
    },
    {
      what: 'a listener more, and less',
      make: (made) =>
        alternately(
          'listener',
          () => made.addListener({ protocol: 'TCP', protocol_port: 9000 }),
          (id) => made.delete(`/listeners/${id}`),
        ),
    },
    {
      what: 'a pool more, and less',
      make: (made) =>
        alternately(
          'pool',
          () =>
            made.addPool(undefined, {
              members: [{ ip_address: third?.address, protocol_port: 80 }],
            }),
          (id) => made.delete(`/pools/${id}`),
        ),
    },
  ];
}

/** Changes a load balancer again and again, while clients ask it ten times a second in each of two ways. */
export async function changesUnderLoad(
  at: Balancing,
  witness: Witness,
  count: number,
): Promise<ChangesResult[]> {
  open.clear();
  const made = await makeSimple(at, { members: [0, 1, 2] });
  await made.untilOperating('', 'ONLINE');
  await settled(at, made);
  const begun = performance.now();
  const clients = startClients(at.lab, {
    ...{ address: made.address, port: 80, perSecond: 10, timeoutMs: 5000 },
    // Each of them asks five times a second.
    ...{ kept: 2, downloads: 0, download: { bytes: 0, ms: 0 } },
  });
  const results: ChangesResult[] = [];
  try {
    await sleep(1500);
    const changes = changesOf(at);
    for (let index = 0; index < count; index += 1) {
      const change = changes[index % changes.length] as Change;
      results.push(await one(made, witness, change, Math.floor(index / changes.length)));
    }
    await sleep(500);
  } finally {
    await clients.stop();
  }
  const requests = (['new', 'kept'] as const).flatMap((kind) => requestsOf(clients.events, kind));
  const failures = requests.flatMap(({ kind, failure }) =>
    failure ? [`${kind}: ${failure}`] : [],
  );
  const lateMs = witness.worstSince(begun);
  await made.remove();
  return [...results, { kind: 'load', requests: requests.length, failures, lateMs }];
}

async function one(
  made: Simple,
  witness: Witness,
  change: Change,
  turn: number,
): Promise<ChangesResult> {
  const begun = performance.now();
  const result = { kind: 'change', what: change.what } as const;
  const measured = () => ({ ms: performance.now() - begun, lateMs: witness.worstSince(begun) });
  try {
    await change.make(made, turn);
    const times = measured();
    const { provisioning_status: status } = await made.read('');
    return { ...result, ...times, ...(status !== 'ACTIVE' && { problem: `it is ${status}` }) };
  } catch (error) {
    return { ...result, ...measured(), problem: (error as Error).message };
  }
}
