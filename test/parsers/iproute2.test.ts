import { expect } from 'chai';

import {
  parseLinkAddresses,
  parseLinks,
  parseRoutes,
  parseRules,
} from '../../src/parsers/iproute2.ts';
import { faultOf } from '../support/faults.ts';
import { fixtureText } from '../support/fixtures.ts';

// What `ip -V` of Debian 11, 12 and 13 says.
for (const version of ['5.9.0', '6.1.0', '6.15.0']) {
  const text = (name: string) => fixtureText(`ip/${version}/${name}/stdout`);

  describe(`the JSON of iproute2 ${version}`, () => {
    it('has links with MAC, MTU, state, kind and alternative names', () => {
      const links = parseLinks(text('links'));
      expect(links.map(({ name }) => name)).to.have.members(['lo', 'eth1', 'peer']);
      expect(links.find(({ name }) => name === 'eth1')).to.deep.equal({
        name: 'eth1',
        mac: 'fa:16:3e:00:00:01',
        altNames: ['enp0s5'],
        mtu: 1450,
        isUp: true,
        kind: 'veth',
      });
    });

    it('has the addresses of one link and of all', () => {
      const one = parseLinkAddresses(text('addresses-eth1'));
      expect(one).to.deep.include({ device: 'eth1', address: '203.0.113.5', prefix: 32 });
      expect(one).to.deep.include({ device: 'eth1', address: '2001:db8::5', prefix: 128 });
      expect(parseLinkAddresses(text('addresses'))).to.deep.include.members(one);
      expect(parseLinkAddresses(text('addresses-inet6')).map(({ device }) => device)).to.include(
        'lo',
      );
    });

    it('has routes with their table, in which the main table has no number', () => {
      const routes = parseRoutes(text('routes-ipv4'));
      expect(routes).to.deep.include.members([
        { destination: '203.0.113.0/24', source: '203.0.113.5', table: '1' },
        { destination: 'default', gateway: '203.0.113.1', table: '1' },
        { destination: 'default', gateway: '203.0.113.1', table: 'main' },
      ]);
      expect(parseRoutes(text('routes-ipv6'))).to.deep.include({
        destination: 'default',
        gateway: 'fe80::1',
        table: '1',
      });
      expect(parseRoutes(text('routes-none'))).to.deep.equal([]);
      expect(parseRoutes(text('routes-default')).map(({ device }) => device)).to.deep.equal([
        'eth1',
      ]);
    });

    it('has rules from addresses and from subnets', () => {
      expect(parseRules(text('rules-ipv4'))).to.deep.include.members([
        { source: '203.0.113.5', table: '1', priority: 100 },
        { source: '198.51.100.0/24', table: '1', priority: 101 },
      ]);
      expect(parseRules(text('rules-ipv6'))).to.deep.include({
        source: '2001:db8::5',
        table: '1',
        priority: 100,
      });
    });
  });
}

describe('the JSON of iproute2', () => {
  it('may be empty, and have empty objects for links that a filter left out', () => {
    expect(parseLinks('')).to.deep.equal([]);
    expect(parseLinkAddresses('[{},null,{"ifname":"a","addr_info":[{}]}]')).to.deep.equal([]);
  });

  it('is unreadable if it is no array', async () => {
    for (const text of ['{}', '[', 'Object "x" is unknown']) {
      await faultOf(
        'unreadable_output',
        Promise.resolve().then(() => parseRoutes(text)),
      );
    }
  });
});
