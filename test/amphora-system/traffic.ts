import { expect } from 'chai';

import { tenant } from '../lab/amphora/networks.ts';
import { traffic } from './balancer.ts';
import type { Bench } from './bench.ts';
import { ask, askEcho, askMember, vipUrl } from './bench.ts';

/** HTTP and TCP through the VIP. */
export function describeTraffic(bench: Bench): void {
  const { http, tcp } = traffic.listeners;

  it('serves HTTP through the VIP by all members in turn', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 8; count += 1) {
      seen.add((await askMember(bench(), vipUrl(http.port))).member);
    }
    expect([...seen].sort()).to.deep.equal(['member1', 'member2', 'member3', 'member4']);
  });

  it('serves TCP through the VIP', async () => {
    const [member, line] = await askEcho(bench(), tcp.port, 'a line of a client');
    expect(member).to.match(/^member[1-4]$/);
    expect(line).to.equal('a line of a client');
  });

  it('tells the members in X-Forwarded-For who asks, also from another network', async () => {
    for (const client of [tenant.vip.client, tenant.distantClient]) {
      const { headers } = await askMember(bench(), vipUrl(http.port), '--interface', client);
      expect(headers['x-forwarded-for']).to.equal(client);
    }
  });

  it('redirects and rejects by the rules of layer 7', async () => {
    const moved = await ask(bench(), vipUrl(http.port, '/moved/page'));
    expect([moved.status, moved.redirect]).to.deep.equal([301, 'http://www.example.com/new']);
    expect((await ask(bench(), vipUrl(http.port, '/forbidden'))).status).to.equal(403);
    expect((await ask(bench(), vipUrl(http.port, '/other'))).status).to.equal(200);
  });
}
