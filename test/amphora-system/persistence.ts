import { expect } from 'chai';

import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { waitUntil } from '../lab/wait.ts';
import { folderOf, traffic } from './balancer.ts';
import type { Bench } from './bench.ts';
import { ask, askHaproxy, askMember, vipUrl, waitForService } from './bench.ts';

/** Further addresses of the clients, one client each. */
const sources = Array.from({ length: 8 }, (_, index) => `198.18.1.${index + 60}`);

/** Who is served by which member. */
type Assignment = ReadonlyMap<string, string>;

/** The persistence of sessions, before and after the other amphora has taken over. */
export function describePersistence(bench: Bench): void {
  describe('keeps its clients with their members across a failover:', () => {
    const before = new Map<string, Assignment>();
    const [first, second] = ['node that has the VIP', 'other node'];

    it('each client has one member, by cookie, by session and by address', async () => {
      const lab = bench();
      await addSources(lab);
      for (const [kind, assigned] of Object.entries(assignments)) {
        const found = await assigned(lab, sources);
        expect(new Set(found.values()).size, kind).to.be.greaterThan(1);
        expect(await assigned(lab, [...sources].reverse()), kind).to.deep.equal(found);
        before.set(kind, found);
      }
    });

    it(`the ${second} learns the sessions from the ${first}`, async () => {
      const [, standby] = await byRole(bench());
      for (const pool of ['source', 'session'] as const) {
        const name = `${traffic.pools[pool]}:${traffic.listeners[pool].id}`;
        await waitUntil(
          `the table of ${pool} to have all sessions`,
          async () => (await usedIn(standby, name)) >= sources.length,
          { deadlineMs: 30_000 },
        );
      }
    });

    it('after the power of the first is cut, each client has the same member', async () => {
      const lab = bench();
      const [active] = await byRole(lab);
      await active.crash();
      await waitForService(lab, traffic.listeners.http.port);
      try {
        for (const [kind, assigned] of Object.entries(assignments)) {
          expect(await assigned(lab, [...sources].reverse()), kind).to.deep.equal(before.get(kind));
        }
      } finally {
        await active.boot();
        await active.startAgent();
      }
    });
  });
}

async function addSources(lab: AmphoraLab): Promise<void> {
  for (const source of sources) {
    await lab.inClient(['ip', 'address', 'add', `${source}/24`, 'dev', 'eth0']);
  }
}

const assignments: Readonly<
  Record<string, (lab: AmphoraLab, clients: readonly string[]) => Promise<Assignment>>
> = {
  cookie: (lab, clients) =>
    each(clients, async (client) => {
      const jar = `${folderOf(lab)}/cookies-${client}`;
      const { port } = traffic.listeners.cookie;
      return (await askMember(lab, vipUrl(port), '--cookie', jar, '--cookie-jar', jar)).member;
    }),
  source: (lab, clients) =>
    each(clients, async (client) => {
      const { port } = traffic.listeners.source;
      return (await askMember(lab, vipUrl(port), '--interface', client)).member;
    }),
  session: (lab, clients) =>
    each(clients, async (client) => {
      const { port } = traffic.listeners.session;
      const path = `/session?id=of-${client}`;
      return (await askMember(lab, vipUrl(port, path), '--cookie', `session=of-${client}`)).member;
    }),
};

async function each(
  clients: readonly string[],
  memberOf: (client: string) => Promise<string>,
): Promise<Assignment> {
  const found = new Map<string, string>();
  for (const client of clients) found.set(client, await memberOf(client));
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

/** The node that has the VIP, and the other one. */
async function byRole(lab: AmphoraLab): Promise<[AmphoraNode, AmphoraNode]> {
  await ask(lab, vipUrl(traffic.listeners.http.port));
  const holders: AmphoraNode[] = [];
  const others: AmphoraNode[] = [];
  for (const node of lab.nodes) {
    const found = await node.run([
      'ip',
      '-netns',
      'amphora-haproxy',
      '-oneline',
      'address',
      'show',
    ]);
    (found.includes(` ${tenant.vip.address}/`) ? holders : others).push(node);
  }
  const [active] = holders;
  const [standby] = others;
  if (active === undefined || standby === undefined) {
    throw new Error(`${holders.length} nodes have the VIP.`);
  }
  return [active, standby];
}

/** How many entries a table has (management.txt, `show table`). */
async function usedIn(node: AmphoraNode, table: string): Promise<number> {
  const tables = await askHaproxy(node, traffic.id, 'show table');
  const line = tables.split('\n').find((text) => text.includes(`table: ${table},`));
  return Number(/used:(\d+)/.exec(line ?? '')?.[1] ?? -1);
}
