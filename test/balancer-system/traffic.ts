import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { ask, askEcho } from '../amphora-system/bench.ts';
import { type Balancing, network } from './bench.ts';
import { askWhole, membersOf, untilServes } from './clients.ts';
import { makeSimple, type Simple, type SimpleWish } from './making.ts';

/** What clients get through a VIP, by each protocol and each algorithm. */
export function testTraffic(at: () => Balancing): void {
  describe('a load balancer', () => {
    const lab = () => at().lab;

    /** Makes one for a piece of work, and removes it. */
    async function withSimple(
      wish: SimpleWish,
      work: (made: Simple) => Promise<void>,
    ): Promise<void> {
      const made = await makeSimple(at(), wish);
      try {
        await work(made);
      } finally {
        await made.remove();
      }
    }

    it('serves by both of its members in turn as soon as the last POST was answered', async () => {
      await withSimple({}, async (made) => {
        await untilServes(lab(), made);
        const members = await membersOf(lab(), made.url(80), 8);
        expect(members.slice(2)).to.deep.equal(members.slice(0, -2));
        expect([...new Set(members)].sort()).to.deep.equal(['member1', 'member2']);
      });
    });

    it('whose whole tree came in one POST serves', async () => {
      const member = (index: number) => ({
        ip_address: lab().members[index]?.address,
        protocol_port: 80,
      });
      const pool = {
        ...{ protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member(0), member(1)] },
        health_monitor: { type: 'TCP', delay: 1, timeout: 1, fall_threshold: 1, rise_threshold: 1 },
      };
      const listener = {
        ...{ protocol: 'HTTP', protocol_port: 80, connection_limit: 500, default_pool: pool },
      };
      const made = (await at().change('POST', '/loadbalancers', {
        ...{ vip: { subnet_id: network.subnet }, tenant_id: 'tests', listeners: [listener] },
      })) as { id: string; vip: { ip_address: string } };
      const url = `http://${made.vip.ip_address}:80/`;
      expect(new Set(await membersOf(lab(), url, 4)).size).to.equal(2);
      await at().change('DELETE', `/loadbalancers/${made.id}/delete_cascade`);
      expect((await ask(lab(), url, '--max-time', '2')).status).to.equal(0);
    });

    it('serves at an IPv6 address by members of both families', async () => {
      await withSimple({ vip: { subnet_id: network.subnet6 } }, async (made) => {
        expect(made.address).to.include(':');
        await untilServes(lab(), made);
        const second = lab().members[2]?.address6;
        await made.addMember(made.pool, { ip_address: second, protocol_port: 80 });
        const members = await membersOf(lab(), made.url(80), 9);
        expect([...new Set(members)].sort()).to.deep.equal(['member1', 'member2', 'member3']);
      });
    });

    it('serves at the address that was asked for', async () => {
      const address = lab().address(7);
      await withSimple(
        { vip: { subnet_id: network.subnet, ip_address: address } },
        async (made) => {
          expect(made.address).to.equal(address);
          await untilServes(lab(), made);
        },
      );
    });

    it('is refused at an address that another host of the network has', async () => {
      const vip = { subnet_id: network.subnet, ip_address: lab().sources[0] };
      const answer = await at().call('POST', '/loadbalancers', { vip, tenant_id: 'tests' });
      expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([400, 409]);
    });

    it('tells its members who asks with insert_headers, and not without', async () => {
      const headers = { 'X-Forwarded-For': 'true', 'X-Forwarded-Port': 'true' };
      await withSimple({ listener: { insert_headers: headers } }, async (made) => {
        await untilServes(lab(), made);
        const source = lab().sources[2] as string;
        const seen = await askWhole(lab(), made.url(80), '--interface', source);
        expect(seen.headers).to.include({ 'x-forwarded-for': source, 'x-forwarded-port': '80' });
        await made.put(`/listeners/${made.listener}`, { insert_headers: {} });
        const after = await askWhole(lab(), made.url(80));
        expect(after.headers).to.not.have.any.keys('x-forwarded-for', 'x-forwarded-port');
      });
    });

    it('passes TCP on', async () => {
      const wish = {
        listener: { protocol: 'TCP', protocol_port: 7007 },
        pool: { protocol: 'TCP' },
        monitor: { type: 'TCP' },
        member: { protocol_port: 7 },
      };
      await withSimple(wish, async ({ address }) => {
        const [member, line] = await askEcho(lab(), 7007, 'a line of a client', address);
        expect(member).to.match(/^member[12]$/);
        expect(line).to.equal('a line of a client');
      });
    });

    it('passes HTTPS on, so that clients see the certificates of the members', async () => {
      const wish = {
        listener: { protocol: 'HTTPS', protocol_port: 443 },
        pool: { protocol: 'HTTPS' },
        monitor: { type: 'TLS-HELLO' },
        member: { protocol_port: 443 },
        members: [1],
      };
      await withSimple(wish, async ({ address }) => {
        const [, member] = lab().members;
        if (member === undefined) throw new Error('The lab has one member.');
        const args = [
          ...['--resolve', `${member.name}:443:${address}`],
          ...['--cacert', lab().certificateOf(member)],
        ];
        const seen = await askWhole(lab(), `https://${member.name}/`, ...args);
        expect(seen).to.include({ member: member.name, isEncrypted: true });
      });
    });

    it('names the client to members of a PROXY pool', async () => {
      const wish = {
        listener: { protocol: 'TCP' },
        pool: { protocol: 'PROXY' },
        monitor: { type: 'TCP' },
        member: { protocol_port: 81 },
      };
      await withSimple(wish, async (made) => {
        await untilServes(lab(), made);
        const source = lab().sources[3] as string;
        const seen = await askWhole(lab(), made.url(80), '--interface', source);
        expect(seen.client).to.equal(source);
      });
    });

    it('gives a member with three times the weight three times the requests in ROUND_ROBIN', async () => {
      await withSimple({}, async (made) => {
        await untilServes(lab(), made);
        await made.put(`/pools/${made.pool}/members/${made.members[0]}`, { weight: 3 });
        const members = await membersOf(lab(), made.url(80), 16);
        expect(members.filter((name) => name === 'member1')).to.have.length(12);
      });
    });

    it('gives new connections to the member that has fewer with LEAST_CONNECTIONS', async () => {
      await withSimple({ pool: { lb_algorithm: 'LEAST_CONNECTIONS' } }, async (made) => {
        await untilServes(lab(), made);
        const url = made.url(80, '/download?bytes=1000&ms=1000');
        const long = lab().inClient(['curl', '-sS', '-D', '-', '-o', '/dev/null', url]);
        await sleep(1000);
        const others = await membersOf(lab(), made.url(80), 6);
        const { stdout } = await long;
        const busy = /^x-member: (\w+)/im.exec(stdout)?.[1];
        expect(busy).to.match(/^member[12]$/);
        expect(new Set(others).size).to.equal(1);
        expect(others).to.not.include(busy);
      });
    });

    it('gives each client one member with SOURCE_IP', async () => {
      await withSimple(
        { pool: { lb_algorithm: 'SOURCE_IP' }, members: [0, 1, 2, 3] },
        async (made) => {
          await untilServes(lab(), made);
          const all = new Set<string>();
          for (const source of lab().sources) {
            const own = await membersOf(lab(), made.url(80), 3, '--interface', source);
            expect(new Set(own).size, source).to.equal(1);
            all.add(own[0] as string);
          }
          expect(all.size).to.be.above(1);
        },
      );
    });

    it('that is disabled does not answer, and answers again when it is enabled', async () => {
      await withSimple({}, async (made) => {
        await untilServes(lab(), made);
        await made.put('', { enabled: false });
        expect((await ask(lab(), made.url(80), '--max-time', '2')).status).to.equal(0);
        await made.put('', { enabled: true });
        await untilServes(lab(), made);
      });
    });
  });
}
