import { expect } from 'chai';

import type { ControllerNode, NodeWord } from '../../../src/controller/nodes/nodes.ts';
import { vrrpConfig } from '../../../src/controller/vrrp/config.ts';
import { routerIdsOnTheWire, segmentOf } from '../../../src/controller/vrrp/segments.ts';
import { parseIp } from '../../../src/kit/ip.ts';

const device = (...addresses: string[]) => ({ name: 'eth0', addresses });
const ip = (text: string) => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

describe('the segment of an interface', () => {
  it('is its IPv4 network, or that of IPv6 if there is none', () => {
    expect(segmentOf(device('fd00::1/64', '10.0.0.1/24'), [])).to.equal('10.0.0.0/24');
    expect(segmentOf(device('fe80::1/64', 'fd00::1/64'), [])).to.equal('fd00::/64');
    expect(segmentOf(device('fe80::1/64'), [])).to.equal(undefined);
  });

  it('is the network of the virtual address, if the interface is in several', () => {
    const both = device('10.0.0.1/24', '10.0.1.1/24');
    expect(segmentOf(both, [], [ip('10.0.1.100')])).to.equal('10.0.1.0/24');
    expect(segmentOf(both, [], [ip('10.0.2.100')])).to.equal('10.0.0.0/24');
  });

  it('is the configured one that has one of its networks', () => {
    const { segments } = vrrpConfig.parse({
      segments: [{ name: 'lan', networks: ['10.0.0.0/16', 'fd00::/64'] }],
    });
    expect(segmentOf(device('10.0.7.1/24'), segments)).to.equal('lan');
    expect(segmentOf(device('192.168.0.1/24', 'fd00::7/64'), segments)).to.equal('lan');
    expect(segmentOf(device('192.168.0.1/24'), segments)).to.equal('192.168.0.0/24');
  });

  it('has the numbers that other routers use on the interfaces of all nodes there', () => {
    const nodes = ['10.0.0.1/24', '10.0.0.2/24', '10.1.0.3/24'].map(
      (address, index): ControllerNode => ({
        id: index + 1,
        name: `n${index + 1}`,
        host: '',
        port: 1,
        interfaces: [device(address)],
      }),
    );
    const seen = (routerId: number, family: 'ipv4' | 'ipv6', name = 'eth0') => ({
      interface: name,
      family,
      routerId,
      source: '10.0.0.9',
    });
    const heard = [
      [seen(1, 'ipv4'), seen(9, 'ipv4', 'eth1')],
      [seen(2, 'ipv4'), seen(3, 'ipv6')],
      [seen(4, 'ipv4')],
    ];
    const word = (id: number) =>
      ({ report: { ['otherRouters']: heard[id - 1] }, receivedAt: 0 }) as unknown as NodeWord;
    const on = (families: ('ipv4' | 'ipv6')[]) => [
      ...routerIdsOnTheWire({ segment: '10.0.0.0/24', families }, nodes, [], { word }),
    ];
    expect(on(['ipv4'])).to.deep.equal([1, 2]);
    expect(on(['ipv4', 'ipv6'])).to.deep.equal([1, 2, 3]);
  });

  it('must have a name and networks in the configuration', () => {
    for (const wrong of [
      { name: 'l n', networks: ['10.0.0.0/24'] },
      { name: 'lan', networks: [] },
      { name: 'lan', networks: ['10.0.0.0'] },
    ]) {
      expect(vrrpConfig.safeParse({ segments: [wrong] }).success).to.equal(false);
    }
  });
});
