import { expect } from 'chai';

import { ask } from '../amphora-system/bench.ts';
import { type Balancing, network } from './bench.ts';
import { untilServes } from './clients.ts';
import { argsOf, type L7Row, l7Rows } from './l7-rows.ts';
import { type Balancer, balancerAt, type Body, connectionLimit } from './making.ts';

interface Found {
  status: number;
  redirect: string;
  member: string | undefined;
}

/** Requests that policies of layer 7 send elsewhere. All policies are in one listener, in the order of the table. */
export function testL7(at: () => Balancing): void {
  describe(`a listener with ${l7Rows.length} policies`, () => {
    let made: Balancer;

    const poolOf = (name: string): Body => {
      const address = at().lab.members.find((member) => member.name === name)?.address;
      const members = [{ ip_address: address, protocol_port: 80 }];
      return { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members };
    };

    const policyOf = ({ policy: { pool, ...policy }, rules, title }: L7Row): Body => ({
      ...{ name: title, l7rules: rules },
      ...policy,
      ...(pool && { redirect_pool: poolOf(pool) }),
    });

    before(async () => {
      const listener = {
        ...{ protocol: 'HTTP', protocol_port: 80, connection_limit: connectionLimit },
        ...{ default_pool: poolOf('member1'), l7policies: l7Rows.map(policyOf) },
      };
      const vip = { subnet_id: network.subnet };
      const body = { vip, tenant_id: 'tests', listeners: [listener] };
      const answer = await at().change('POST', '/loadbalancers', body);
      made = balancerAt(at(), answer as unknown as { id: string; vip: { ip_address: string } });
      await untilServes(at().lab, made);
    });

    after(() => made.remove());

    async function find({ path = '/', ...asked }: L7Row['match']): Promise<Found> {
      const { status, redirect, body } = await ask(at().lab, made.url(80, path), ...argsOf(asked));
      const member = status === 200 ? (JSON.parse(body) as { member: string }).member : undefined;
      return { status, redirect, member };
    }

    for (const { title, match, expected, other } of l7Rows) {
      it(`tells ${title} from another`, async () => {
        const { status = 200, redirect = '', member } = expected;
        expect(await find(match)).to.deep.equal({ status, redirect, member });
        const byDefault = { status: 200, redirect: '', member: 'member1' };
        expect(await find(other)).to.deep.equal(byDefault);
      });
    }

    it('follows the first policy that matches, and another one after it has moved', async () => {
      const both = { host: 'www.example.com', path: '/a/private/b' };
      expect((await find(both)).member).to.equal('member3');
      const [listener] = await made.read<{ id: string }[]>('/listeners');
      const policies = `/listeners/${listener?.id}/l7policies`;
      const listed = await made.read<{ id: string; position: number; action: string }[]>(policies);
      expect(listed.map(({ position }) => position)).to.have.members(
        l7Rows.map((_, index) => index + 1),
      );
      const at10 = l7Rows.findIndex(({ match }) => match.path === both.path) + 1;
      const rejecting = listed.find(({ position }) => position === at10);
      expect(rejecting?.action).to.equal('REJECT');
      await made.put(`${policies}/${rejecting?.id}`, { position: 1 });
      expect((await find(both)).status).to.equal(403);
    });

    it('does not follow a policy that is disabled', async () => {
      const [listener] = await made.read<{ id: string }[]>('/listeners');
      const policies = `/listeners/${listener?.id}/l7policies`;
      const listed = await made.read<{ id: string; position: number }[]>(policies);
      const first = listed.find(({ position }) => position === 1);
      await made.put(`${policies}/${first?.id}`, { enabled: false });
      expect((await find({ path: '/a/private/b' })).member).to.equal('member1');
    });
  });
}
