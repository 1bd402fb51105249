import { expect } from 'chai';

import { sourceNetwork } from '../../src/access/source-network.ts';

describe('the network that counts for an address', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ] as const) {
    it(`is ${network} for ${address}`, () => {
      expect(sourceNetwork(address)).to.equal(network);
    });
  }
});
