import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Witness } from '../amphora-bench/figures/witness.ts';
import { askController, type Balancing } from '../balancer-system/bench.ts';
import type { Simple } from '../balancer-system/making.ts';
import type { MemberState } from '../lab/balancer/members.ts';
import { waitUntil } from '../lab/wait.ts';

/** A way in which members die. */
export interface Death {
  name: string;
  title: string;
  state: MemberState;
  /** How many of the two. */
  count: 1 | 2;
}

export const deaths: readonly Death[] = [
  { name: 'code', title: 'a member answers with 503', state: 'down', count: 1 },
  { name: 'refused', title: 'a member takes no connections', state: 'dead', count: 1 },
  { name: 'silent', title: 'a member is off the network', state: 'silent', count: 1 },
  { name: 'all', title: 'both members answer with 503', state: 'down', count: 2 },
];

export const monitor = { delay: 2, timeout: 1, fall_threshold: 3, rise_threshold: 2 } as const;

export interface DeathResult {
  death: string;
  /** Until the API says ERROR of the member, and DEGRADED (or ERROR, if all are gone) of its pool and load balancer. */
  memberMs: number;
  aboveMs: number;
  /** From the return until all of them are ONLINE. */
  backMs: number;
  lateMs: number;
}

interface Statuses {
  members: readonly string[];
  pool: string;
  balancer: string;
}

const everyMs = 50;
const deadlineMs = 60_000;

/** Lets members die and return, and looks at the API all the time. */
export async function dieOnce(
  at: Balancing,
  made: Simple,
  witness: Witness,
  { name, state, count }: Death,
): Promise<DeathResult> {
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const dying = at.lab.members.slice(0, count);
  const look = (): Promise<Statuses> => statusesOf(at, made, agent);
  const isWell = ({ members, pool, balancer }: Statuses) =>
    [...members, pool, balancer].every((status) => status === 'ONLINE');
  const above = count === 2 ? 'ERROR' : 'DEGRADED';
  try {
    await waitUntil('all to be ONLINE', async () => isWell(await look()), { everyMs });
    // Deaths come at any time between two checks.
    await sleep(Math.random() * monitor.delay * 1000);
    const begun = performance.now();
    for (const member of dying) await at.lab.setMember(member, state);
    let memberMs = 0;
    await waitUntil(
      'the API to tell the death',
      async () => {
        const { members, pool, balancer } = await look();
        const isSaid = members.slice(0, count).every((status) => status === 'ERROR');
        if (isSaid && memberMs === 0) memberMs = performance.now() - begun;
        return isSaid && pool === above && balancer === above;
      },
      { everyMs, deadlineMs },
    );
    const aboveMs = performance.now() - begun;
    for (const member of dying) await at.lab.setMember(member, 'up');
    const returned = performance.now();
    const isBack = async () => isWell(await look());
    await waitUntil('the API to tell the return', isBack, { everyMs, deadlineMs });
    const backMs = performance.now() - returned;
    return { death: name, memberMs, aboveMs, backMs, lateMs: witness.worstSince(begun) };
  } finally {
    for (const member of dying) await at.lab.setMember(member, 'up');
    agent.destroy();
  }
}

async function statusesOf(
  { controller, token }: Balancing,
  { path, pool, members }: Simple,
  agent: https.Agent,
): Promise<Statuses> {
  const read = async (below: string): Promise<string> => {
    const asked = { method: 'GET', path: `${path}${below}`, agent };
    const { body } = await askController(controller.address, token, asked);
    return (body as { operating_status: string }).operating_status;
  };
  const [balancer, own, ...each] = await Promise.all([
    read(''),
    read(`/pools/${pool}`),
    ...members.map((id) => read(`/pools/${pool}/members/${id}`)),
  ]);
  return { members: each, pool: own, balancer };
}
