import { expect } from 'chai';

import type { SubnetAddress, VipPlug } from '../../../src/amphora/amphora.ts';
import { checkedPortPlug, checkedVipPlug } from '../../../src/amphora/network/checked.ts';
import { faultOf } from '../../support/faults.ts';

const vip: SubnetAddress = { address: '10.0.0.5', cidr: '10.0.0.0/24', hostRoutes: [] };
const mac = 'fa:16:3e:00:00:01';
const route = (destination: string, nexthop: string) => ({
  hostRoutes: [{ destination, nexthop }],
});

/** What is wrong: the values that differ from a valid plug, and a part of the message. */
const wrong: [string, Partial<Omit<VipPlug, 'vips'>> & { vip?: Partial<SubnetAddress> }][] = [
  ['"10.0.0" is no IP address', { vip: { address: '10.0.0' } }],
  ['"10.0.0.5\\n" is no IP address', { vip: { address: '10.0.0.5\n' } }],
  ['127.0.0.1 is a loopback address', { vip: { address: '127.0.0.1' } }],
  ['224.0.0.18 is a multicast address', { vip: { address: '224.0.0.18' } }],
  ['10.0.1.0/24 does not contain 10.0.0.5', { vip: { cidr: '10.0.1.0/24' } }],
  ['"10.0.0.0/0" is no subnet', { vip: { cidr: '10.0.0.0/0' } }],
  ['"10.0.0.1/x" is no subnet', { vip: { cidr: '10.0.0.1/x' } }],
  ['gateway "gw" is no IP address', { vip: { gateway: 'gw' } }],
  ['gateway fe80::1 is not of the IP version', { vip: { gateway: 'fe80::1' } }],
  ['10.0.0.5 is its own gateway', { vip: { gateway: '10.0.0.5' } }],
  ['next hop fe80::1 is not of the IP version', { vip: route('10.9.0.0/16', 'fe80::1') }],
  ['host route "all" is no subnet', { vip: route('all', '10.0.0.1') }],
  ['contains the VRRP address 10.0.1.5', { vrrpIp: '10.0.1.5' }],
  ['MAC "fa:16:3e:00:00" is not', { mac: 'fa:16:3e:00:00' }],
  ['is not that of one network card', { mac: '01:00:5e:00:00:12' }],
  ['MTU 67 is not a whole number', { mtu: 67 }],
  ['MTU 1500.5 is not a whole number', { mtu: 1500.5 }],
];

describe('a plug', () => {
  for (const [message, { vip: part, ...plug }] of wrong) {
    it(`is refused because ${JSON.stringify(message)}`, async () => {
      const bad: VipPlug = { mac, ...plug, vips: [{ ...vip, ...part }] };
      const fault = await faultOf(
        'vip_invalid',
        Promise.resolve().then(() => checkedVipPlug(bad)),
      );
      expect(fault.message).to.contain(message);
    });
  }

  it('is refused with an address twice, or with more routes than the bound', async () => {
    const hostRoutes = Array(257).fill({ destination: '10.9.0.0/16', nexthop: '10.0.0.1' });
    for (const addresses of [[vip, vip], [{ ...vip, hostRoutes }]]) {
      await faultOf(
        'network_invalid',
        Promise.resolve().then(() => checkedPortPlug({ mac, addresses })),
      );
    }
  });

  it('is brought into canonical form', () => {
    const plug = {
      mac: mac.toUpperCase(),
      addresses: [{ address: '2001:DB8:0::5', cidr: '2001:db8:0::1/64', hostRoutes: [] }],
    };
    expect(checkedPortPlug(plug)).to.deep.equal({
      mac,
      addresses: [{ address: '2001:db8::5', cidr: '2001:db8::/64', hostRoutes: [] }],
    });
  });
});
