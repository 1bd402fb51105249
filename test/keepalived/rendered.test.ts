import { expect } from 'chai';

import { renderKeepalived } from '../../src/keepalived/render.ts';
import { textDifferencesOf } from '../../src/keepalived/rendered.ts';
import type { WantedInstance } from '../../src/keepalived/wanted.ts';
import { tcpCheck, wantedInstance, wantedInstance6 } from '../support/wanted.ts';

const refreshSeconds = 61;
const options = { version: '2.2.7', node: 'node-1', fifo: '/run/fifo', refreshSeconds };

describe('a rendered configuration that is read again', () => {
  const wanted = {
    instances: [
      wantedInstance({ syncGroup: 'vg_1', check: tcpCheck }),
      wantedInstance6({ syncGroup: 'vg_1', check: tcpCheck }),
    ],
  };
  const text = renderKeepalived(wanted, options);
  const differences = (spoilt: string) => textDifferencesOf(spoilt, wanted, refreshSeconds);

  const alike: [what: string, instance: WantedInstance][] = [
    ['an instance without preemption', wantedInstance({ preempt: false })],
    ['multicast', wantedInstance({ peers: null, source: null })],
    ['an interval of hundredths', wantedInstance({ interval: 40.95 })],
    ['an interface with a colon', wantedInstance({ interface: 'eth0:1.2' })],
  ];
  for (const [what, instance] of alike) {
    it(`is as wanted with ${what}`, () => {
      const own = { instances: [instance] };
      const rendered = renderKeepalived(own, { ...options, include: '/etc/other.conf' });
      expect(textDifferencesOf(rendered, own, refreshSeconds)).to.deep.equal([]);
    });
  }

  it('is as wanted with a sync group and a check', () => {
    expect(differences(text)).to.deep.equal([]);
  });

  it('lacks all instances if it is empty', () => {
    expect(differences('')).to.have.length.above(1);
  });

  const block = /^vrrp_instance \w+ \{\n[^]*?^\}\n/m;
  const spoilt: [what: string, spoil: (text: string) => string][] = [
    ['lacks an instance', (whole) => whole.replace(block, '')],
    ['has an instance twice', (whole) => whole + (block.exec(whole)?.[0] ?? '')],
    ['has another name', (whole) => whole.replace('vrrp_instance ', 'vrrp_instance other_')],
    [
      'has another address',
      (whole) => whole.replace(/(virtual_ipaddress \{\n\s+)\S+/, '$1192.0.2.77/24'),
    ],
    ['lacks its addresses', (whole) => whole.replace(/ {2}virtual_ipaddress \{\n[^}]*\}\n/, '')],
    ['lacks its priority', (whole) => whole.replace(/ {2}priority .*\n/, '')],
    ['lacks its interval', (whole) => whole.replace(/ {2}advert_int .*\n/, '')],
    ['lacks its interface', (whole) => whole.replace(/ {2}interface .*\n/, '')],
    ['lacks its refresh', (whole) => whole.replace(/ {2}garp_master_refresh .*\n/, '')],
    [
      'has another router id',
      (whole) => whole.replace(/virtual_router_id \d+/, 'virtual_router_id 9'),
    ],
    ['has no preemption', (whole) => whole.replace('state BACKUP', 'state BACKUP\n  nopreempt')],
    ['lacks its source', (whole) => whole.replace(/ {2}unicast_src_ip .*\n/, '')],
    ['has another peer', (whole) => whole.replace(/(unicast_peer \{\n\s+)\S+/, '$1192.0.2.78')],
  ];
  for (const [what, spoil] of spoilt) {
    it(`differs if it ${what}`, () => {
      const other = spoil(text);
      expect(other).not.to.equal(text);
      expect(differences(other)).not.to.deep.equal([]);
    });
  }
});
