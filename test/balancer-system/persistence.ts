import { expect } from 'chai';

import { askMember } from '../amphora-system/bench.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Balancing } from './bench.ts';
import { untilServes } from './clients.ts';
import type { Simple } from './making.ts';
import { makeAwayFromController, settled } from './nodes.ts';

/** Who is served by which member. */
type Assignment = Readonly<Record<string, string>>;

const kinds = {
  HTTP_COOKIE: { port: 80, persistence: { type: 'HTTP_COOKIE' } },
  SOURCE_IP: { port: 81, persistence: { type: 'SOURCE_IP' } },
  APP_COOKIE: { port: 82, persistence: { type: 'APP_COOKIE', cookie_name: 'session' } },
} as const;
type Kind = keyof typeof kinds;

/** Sessions, before and after the other node has taken the VIP over. */
export function testPersistence(at: () => Balancing): void {
  describe('a session', () => {
    const lab = () => at().lab;
    let made: Simple;
    const pools = new Map<Kind, string>();

    before(async () => {
      const first = kinds.HTTP_COOKIE;
      const all = [0, 1, 2, 3];
      made = await makeAwayFromController(at(), {
        pool: { session_persistence: first.persistence },
        members: all,
      });
      pools.set('HTTP_COOKIE', made.pool);
      for (const kind of ['SOURCE_IP', 'APP_COOKIE'] as const) {
        const { port, persistence } = kinds[kind];
        const listener = await made.addListener({ protocol: 'HTTP', protocol_port: port });
        const pool = await made.addPool(listener, { session_persistence: persistence });
        for (const index of all) {
          const address = lab().members[index]?.address;
          await made.addMember(pool, { ip_address: address, protocol_port: 80 });
        }
        pools.set(kind, pool);
      }
      for (const { port } of Object.values(kinds)) await untilServes(lab(), made, port);
    });

    after(() => made.remove());

    async function memberOf(kind: Kind, client: string): Promise<string> {
      const { port } = kinds[kind];
      const jar = `${lab().folder}/cookies-${client}`;
      const how = {
        HTTP_COOKIE: ['--cookie', jar, '--cookie-jar', jar],
        SOURCE_IP: ['--interface', client],
        APP_COOKIE: ['--cookie', `session=of-${client}`],
      }[kind];
      const path = kind === 'APP_COOKIE' ? `/session?id=of-${client}` : '/';
      return (await askMember(lab(), made.url(port, path), ...how)).member;
    }

    async function assignment(kind: Kind, clients: readonly string[]): Promise<Assignment> {
      const found: Record<string, string> = {};
      for (const client of clients) found[client] = await memberOf(kind, client);
      return found;
    }

    const assignments = async (clients = lab().sources): Promise<Record<string, Assignment>> => {
      const found: Record<string, Assignment> = {};
      for (const kind of pools.keys()) found[kind] = await assignment(kind, clients);
      return found;
    };

    let former: Record<string, Assignment> = {};

    it('stays with its member, by cookie, by address and by the cookie of the application', async () => {
      former = await assignments();
      for (const [kind, found] of Object.entries(former)) {
        expect(new Set(Object.values(found)).size, kind).to.be.above(1);
      }
      expect(await assignments(lab().sources.toReversed())).to.deep.equal(former);
    });

    it('stays with its member when the other node has taken the VIP over', async () => {
      const { master, standby } = await settled(at(), made);
      for (const kind of ['SOURCE_IP', 'APP_COOKIE'] as const) {
        const count = Object.keys(former[kind] ?? {}).length;
        await waitUntil(`the table of ${kind} to have all sessions`, async () => {
          return (await usedIn(standby, made.id, pools.get(kind) as string)) >= count;
        });
      }
      await master.crash();
      try {
        await untilServes(lab(), made);
        expect(await assignments(lab().sources.toReversed())).to.deep.equal(former);
      } finally {
        await master.boot();
      }
    });

    it('that is to be forgotten is', async () => {
      await made.put(`/pools/${made.pool}`, { session_persistence: null });
      const [client] = lab().sources;
      const members = new Set<string>();
      for (let count = 0; count < 8; count += 1) {
        members.add(await memberOf('HTTP_COOKIE', client as string));
      }
      expect(members.size).to.be.above(1);
    });
  });
}

/** Asks the haproxy of a load balancer by the socket of its master, which may ask everything. */
export async function askHaproxy(node: LabNode, id: string, command: string): Promise<string> {
  const program = `import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b'\\n')
s.shutdown(socket.SHUT_WR)
sys.stdout.write(s.makefile().read())`;
  const path = `/var/lib/octavia/${id}/master.sock`;
  return node.run(['python3', '-c', program, path, `@1 ${command}`]);
}

/** How many entries the tables of a pool have (management.txt, `show table`). */
async function usedIn(node: LabNode, id: string, pool: string): Promise<number> {
  const tables = await askHaproxy(node, id, 'show table');
  const line = tables.split('\n').find((text) => text.includes(`table: ${pool}`));
  return Number(/used:(\d+)/.exec(line ?? '')?.[1] ?? -1);
}
