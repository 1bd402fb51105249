import { expect } from 'chai';

import { filterOf } from '../../../src/node/host/filter.ts';
import { wantedInstance, wantedInstance6 } from '../../support/wanted.ts';

describe('the filter of VRRP', () => {
  it('lets in the peers of all instances of an interface and family, and nobody else', () => {
    const instances = [
      wantedInstance(),
      wantedInstance({ name: 'vg_2', routerId: 2, peers: ['10.77.0.13'] }),
      wantedInstance6(),
    ];
    expect(filterOf({ instances })).to.equal(`  chain input {
    type filter hook input priority -10; policy accept;
    iifname "eth1" meta nfproto ipv4 meta l4proto 112 ip saddr != { 10.77.0.12, 10.77.0.13 } drop
    iifname "eth1" meta nfproto ipv6 meta l4proto 112 ip6 saddr != { fd77::12 } drop
  }
`);
  });

  it('leaves an interface open in a family with multicast', () => {
    const instances = [
      wantedInstance(),
      wantedInstance({ name: 'vg_2', routerId: 2, peers: null, source: null }),
      wantedInstance6(),
    ];
    expect(filterOf({ instances })).not.to.include('ipv4');
    expect(filterOf({ instances: instances.slice(0, 2) })).to.equal('');
    expect(filterOf({ instances: instances.slice(0, 2).reverse() })).to.equal('');
  });

  it('lets in nobody for an instance without peers, and is empty without instances', () => {
    expect(filterOf({ instances: [wantedInstance({ peers: [] })] })).to.include(
      'meta l4proto 112 drop',
    );
    expect(filterOf({ instances: [] })).to.equal('');
  });
});
