import { expect } from 'chai';

import { contains, parseIp, parseSubnet } from '../../src/kit/ip.ts';

describe('an IP address', () => {
  const canonical: Record<string, string> = {
    '10.0.0.255': '10.0.0.255',
    '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '::ffff:192.0.2.1': '::ffff:c000:201',
    'fe80::': 'fe80::',
    '::': '::',
    '::1': '::1',
  };
  for (const [text, expected] of Object.entries(canonical)) {
    it(`${text} is ${expected} in canonical form`, () => {
      expect(parseIp(text)?.text).to.equal(expected);
    });
  }

  it('has neither zone, prefix, blank nor missing part', () => {
    for (const text of ['fe80::1%eth0', '10.0.0.1/24', ' 10.0.0.1', '10.0.1', '', '1::2::3']) {
      expect(parseIp(text), text).to.equal(undefined);
    }
  });

  it('is in a subnet of its version, and the subnet drops the bits of the host', () => {
    const subnet = parseSubnet('10.1.2.3/23');
    expect(subnet?.text).to.equal('10.1.2.0/23');
    const isIn = (text: string) => {
      const ip = parseIp(text);
      return subnet && ip && contains(subnet, ip);
    };
    expect(['10.1.3.255', '10.1.4.0', '::a01:203'].map(isIn)).to.deep.equal([true, false, false]);
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/-1']) {
      expect(parseSubnet(text), text).to.equal(undefined);
    }
  });
});
