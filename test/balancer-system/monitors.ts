import { expect } from 'chai';

import type { MemberState } from '../lab/balancer/members.ts';
import { ask } from '../amphora-system/bench.ts';
import type { Balancing } from './bench.ts';
import { membersOf } from './clients.ts';
import { type Body, makeSimple, type SimpleWish } from './making.ts';

interface Row {
  title: string;
  monitor: Body;
  /** What the monitor has to see. */
  state: MemberState;
  wish?: SimpleWish;
}

const encrypted: SimpleWish = {
  listener: { protocol: 'HTTPS', protocol_port: 443 },
  pool: { protocol: 'HTTPS' },
  member: { protocol_port: 443 },
};

const rows: readonly Row[] = [
  {
    title: 'HTTP sees a member that answers with another code',
    monitor: { type: 'HTTP', url_path: '/health', expected_codes: '200,204-206' },
    state: 'down',
  },
  {
    title: 'HTTPS sees a member that answers with another code',
    monitor: { type: 'HTTPS', url_path: '/health' },
    state: 'down',
    wish: encrypted,
  },
  {
    title: 'TCP sees a member that takes no connections',
    monitor: { type: 'TCP' },
    state: 'dead',
  },
  {
    title: 'TLS-HELLO sees a member that does not begin with TLS',
    monitor: { type: 'TLS-HELLO' },
    state: 'dead',
    wish: encrypted,
  },
  {
    title: 'PING sees a member that is off the network',
    monitor: { type: 'PING' },
    state: 'silent',
  },
];

/** Each type of monitor, on a member that dies and returns. */
export function testMonitors(at: () => Balancing): void {
  describe('a monitor of type', () => {
    for (const { title, monitor, state, wish } of rows) {
      it(`${title}, and one that is back`, async () => {
        const { lab } = at();
        const [first] = lab.members;
        if (first === undefined) throw new Error('The lab has no members.');
        const made = await makeSimple(at(), { ...wish, monitor });
        const url = wish === encrypted ? `https://${made.address}/` : made.url(80);
        const of = (index: number) => `/pools/${made.pool}/members/${made.members[index]}`;
        try {
          await made.untilOperating(of(0), 'ONLINE');
          await made.untilOperating(of(1), 'ONLINE');
          await lab.setMember(first, state);
          await made.untilOperating(of(0), 'ERROR');
          expect(new Set(await membersOf(lab, url, 4, '-k'))).to.deep.equal(new Set(['member2']));
          await lab.setMember(first, 'up');
          await made.untilOperating(of(0), 'ONLINE');
          expect(new Set(await membersOf(lab, url, 4, '-k')).size).to.equal(2);
        } finally {
          await lab.setMember(first, 'up');
          await made.remove();
        }
      });
    }

    it('any asks the address and port of a member that are for monitors', async () => {
      const { lab } = at();
      const [, second, third] = lab.members;
      if (second === undefined || third === undefined) throw new Error('The lab has few members.');
      const elsewhere = { monitor_address: third.address, monitor_port: 443 };
      const made = await makeSimple(at(), {
        ...{ monitor: { type: 'TCP' }, members: [1], member: { protocol_port: 80, ...elsewhere } },
      });
      const member = `/pools/${made.pool}/members/${made.members[0]}`;
      try {
        await made.untilOperating(member, 'ONLINE');
        await lab.setMember(third, 'dead');
        await made.untilOperating(member, 'ERROR');
        expect((await ask(lab, made.url(80))).status).to.equal(503);
      } finally {
        await lab.setMember(third, 'up');
        await made.remove();
      }
    });
  });
}
