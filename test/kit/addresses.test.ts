import { expect } from 'chai';

import { hostAndPort, plainAddress } from '../../src/kit/addresses.ts';

describe('an address', () => {
  it('is a plain IPv4 address even if a dual-stack socket reports it', () => {
    expect(plainAddress('::ffff:192.0.2.1')).to.equal('192.0.2.1');
    expect(plainAddress('192.0.2.1')).to.equal('192.0.2.1');
    expect(plainAddress('::ffff:c000:201')).to.equal('::ffff:c000:201');
    expect(plainAddress('2001:db8::1')).to.equal('2001:db8::1');
  });

  it('has brackets before a port if it is an IPv6 address', () => {
    expect(hostAndPort('2001:db8::1', 443)).to.equal('[2001:db8::1]:443');
    expect(hostAndPort('192.0.2.1', 443)).to.equal('192.0.2.1:443');
    expect(hostAndPort('a.example', 443)).to.equal('a.example:443');
  });
});
