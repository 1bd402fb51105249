import { expect } from 'chai';

import type { VipPlug } from '../../../src/amphora/amphora.ts';
import { faultOf } from '../../support/faults.ts';
import { failingAt, must, newMac, run, tenantPorts } from '../../support/tenant-ports.ts';

const vip = {
  address: '203.0.113.5',
  cidr: '203.0.113.0/24',
  gateway: '203.0.113.1',
  hostRoutes: [{ destination: '198.51.100.0/24', nexthop: '203.0.113.9' }],
};
const ipv6Vip = {
  address: '2001:db8::5',
  cidr: '2001:db8::/64',
  gateway: 'fe80::1',
  hostRoutes: [],
};
const plugOf = (mac: string, more: Partial<VipPlug> = {}): VipPlug => ({
  vips: [vip],
  mac,
  vrrpIp: '203.0.113.20',
  mtu: 1450,
  ...more,
});

/** What a single amphora has on eth1 after plugOf. */
const single = {
  isUp: true,
  mtu: 1450,
  addresses: ['203.0.113.20/24', '203.0.113.5/32'],
  routes: [
    '1: 0.0.0.0/0 203.0.113.1 -',
    '1: 198.51.100.0/24 203.0.113.9 -',
    '1: 203.0.113.0/24 link 203.0.113.5',
    '254: 0.0.0.0/0 203.0.113.1 -',
    '254: 198.51.100.0/24 203.0.113.9 -',
    '254: 203.0.113.0/24 link 203.0.113.20',
  ],
  rules: ['203.0.113.5 1'],
};
const pair = {
  isUp: true,
  mtu: 1450,
  addresses: ['203.0.113.20/24'],
  routes: single.routes.slice(3),
  rules: [],
};

describe('the network of an amphora', function () {
  this.timeout(300_000);
  const ports = tenantPorts();

  describe('a plugged VIP', () => {
    it('is on eth1 of a single amphora, with the routes and the rule of its own table', async () => {
      const { mac } = await ports.addPort();
      expect(await ports.network().network.plugVip(plugOf(mac))).to.equal('eth1');
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
    });

    it('has a namespace with lo up, forwarding, and addresses that can be bound before they are there', async () => {
      const { mac } = await ports.addPort();
      await ports.network().network.plugVip(plugOf(mac));
      const files = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];
      const binding = ['ipv4/ip_nonlocal_bind', 'ipv6/ip_nonlocal_bind'];
      const paths = [...files, ...binding].map((file) => `/proc/sys/net/${file}`);
      const values = await must('ip', 'netns', 'exec', ports.namespace(), 'cat', ...paths);
      expect(values).to.equal('1\n1\n1\n1\n');
      expect((await ports.stateOf('lo')).isUp).to.equal(true);
    });

    it('leaves the VIP, its table and its rule to keepalived in a pair', async () => {
      ports.setTopology('ACTIVE-STANDBY');
      const { mac } = await ports.addPort();
      await ports.network().network.plugVip(plugOf(mac));
      expect(await ports.stateOf('eth1')).to.deep.equal(pair);
    });

    it('is refused as existing when it is plugged again as it is', async () => {
      const { mac } = await ports.addPort();
      const { network } = ports.network();
      await network.plugVip(plugOf(mac));
      await faultOf('interface_exists', network.plugVip(plugOf(mac.toUpperCase())));
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
    });

    it('is completed by a repeated plug if something of it is missing', async () => {
      const { mac } = await ports.addPort();
      const { network } = ports.network();
      await network.plugVip(plugOf(mac));
      await must(
        'ip',
        '-n',
        ports.namespace(),
        'address',
        'delete',
        '203.0.113.5/32',
        'dev',
        'eth1',
      );
      expect(await network.plugVip(plugOf(mac))).to.equal('eth1');
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
    });

    it('may be IPv6 with a gateway that is link-local', async () => {
      const { mac } = await ports.addPort();
      const plug = plugOf(mac, { vips: [ipv6Vip], vrrpIp: '2001:db8::20' });
      await ports.network().network.plugVip(plug);
      expect(await ports.stateOf('eth1')).to.deep.equal({
        isUp: true,
        mtu: 1450,
        addresses: ['2001:db8::20/64', '2001:db8::5/128'],
        routes: [
          '1: 2001:db8::/64 link 2001:db8::5',
          '1: ::/0 fe80::1 -',
          '254: 2001:db8::/64 link -',
          '254: 2001:db8::5/128 link -',
          '254: ::/0 fe80::1 -',
        ],
        rules: ['2001:db8::5 1'],
      });
    });

    it('may have additional VIPs, in other subnets and of the other IP version', async () => {
      const { mac } = await ports.addPort();
      const other = { address: '192.0.2.5', cidr: '192.0.2.0/24', hostRoutes: [] };
      const { network } = ports.network();
      await network.plugVip(plugOf(mac, { vips: [vip, other, ipv6Vip] }));
      const { addresses, routes, rules } = await ports.stateOf('eth1');
      expect(addresses).to.include.members(['192.0.2.5/32', '2001:db8::5/128', '203.0.113.5/32']);
      expect(routes).to.include.members([
        '1: 192.0.2.0/24 link 192.0.2.5',
        '1: 2001:db8::/64 link 2001:db8::5',
        '1: ::/0 fe80::1 -',
        '254: 192.0.2.0/24 link -',
      ]);
      expect(rules).to.deep.equal(['192.0.2.5 1', '2001:db8::5 1', '203.0.113.5 1']);
      expect(await network.interfaceOf('2001:DB8:0::0:5')).to.equal('eth1');
      await faultOf(
        'interface_exists',
        network.plugVip(plugOf(mac, { vips: [vip, other, ipv6Vip] })),
      );
    });

    it('needs no own address of a single amphora', async () => {
      const { mac } = await ports.addPort();
      const plug: VipPlug = { vips: [vip], mac };
      await ports.network().network.plugVip(plug);
      const { addresses, routes } = await ports.stateOf('eth1');
      expect(addresses).to.deep.equal(['203.0.113.5/32']);
      expect(routes).to.include('254: 203.0.113.0/24 link -');
    });

    it('is complete although the kernel refuses a host route', async () => {
      const { mac } = await ports.addPort();
      const hostRoutes = [{ destination: '198.51.100.0/24', nexthop: '203.0.113.5' }];
      const { network, lines } = ports.network();
      const plug = plugOf(mac, { vips: [{ ...vip, hostRoutes }] });
      expect(await network.plugVip(plug)).to.equal('eth1');
      expect(lines.map(({ route }) => route)).to.include('198.51.100.0/24 via 203.0.113.5');
      await faultOf('interface_exists', network.plugVip(plug));
    });

    it('is announced to the neighbours, IPv4 by ARP and IPv6 by an advertisement', async () => {
      const { mac, otherEnd } = await ports.addPort();
      const { network } = ports.network();
      await network.plugVip(plugOf(mac, { vips: [vip, ipv6Vip] }));
      const hearing = { isOver: false };
      const heard = must(...hear(ports.switchName(), otherEnd, ['203.0.113.5', '2001:db8::5']));
      const end = () => {
        hearing.isOver = true;
      };
      heard.then(end, end);
      // The listener may not listen yet when the first ones are sent.
      while (!hearing.isOver) await network.announce();
      expect(await heard).to.equal(`2001:db8::5 ${mac}\n203.0.113.5 ${mac}\n`);
    });

    it('is not found by a MAC that no port has, after the bus was rescanned once', async () => {
      const rescans: number[] = [];
      const rescan = () => {
        rescans.push(1);
        return Promise.resolve();
      };
      const fault = await faultOf(
        'port_not_found',
        ports.network({ rescan }).network.plugVip(plugOf(newMac())),
      );
      expect(fault.message).to.contain('No suitable network interface found');
      expect(rescans).to.have.length(1);
    });

    it('is on a port that the rescan of the bus brings', async () => {
      const mac = newMac();
      const rescan = async () => {
        await ports.addPort(mac);
      };
      expect(await ports.network({ rescan }).network.plugVip(plugOf(mac))).to.equal('eth1');
    });

    it('is refused while another port is eth1', async () => {
      const { network } = ports.network();
      await network.plugVip(plugOf((await ports.addPort()).mac));
      const { mac, name } = await ports.addPort();
      const fault = await faultOf('vip_plug_failed', network.plugVip(plugOf(mac)));
      expect(fault.message).to.contain('eth1 is already the port with the MAC');
      expect((await ports.stateOf(name, null)).isUp).to.equal(false);
    });

    it('is handed to keepalived and back when the topology changes', async () => {
      const { mac } = await ports.addPort();
      const { network } = ports.network();
      await network.plugVip(plugOf(mac));
      ports.setTopology('ACTIVE-STANDBY');
      expect((await network.restore()).restored).to.deep.equal(['eth1']);
      expect(await ports.stateOf('eth1')).to.deep.equal(pair);
      ports.setTopology('SINGLE');
      await network.restore();
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
    });
  });

  describe('a plug that fails half way', () => {
    it('says why, and is finished by the same plug, whichever step failed', async () => {
      const { mac } = await ports.addPort();
      const plug = plugOf(mac, { vips: [{ ...vip, hostRoutes: [] }] });
      const failure = {
        exitCode: 2,
        stdout: '',
        stderr: 'RTNETLINK answers: Operation not permitted',
      };
      const steps: string[] = [];
      // Each plug gets one step further than the one before.
      for (;;) {
        const failing = failingAt(2, failure);
        const plugging = ports.network({ run: failing.run }).network.plugVip(plug);
        const outcome = await plugging.catch((error: unknown) => error);
        steps.push(failing.calls[0] ?? '');
        if (outcome === 'eth1') break;
        const fault = await faultOf('vip_plug_failed', plugging);
        expect(fault.command?.stderr).to.contain('not permitted');
      }
      expect(steps.length).to.be.greaterThan(10);
      const routes = single.routes.filter((route) => !route.includes('198.51.100'));
      expect(await ports.stateOf('eth1')).to.deep.equal({ ...single, routes });
      await faultOf('interface_exists', ports.network().network.plugVip(plug));
    });

    it('leaves a port that serves as it was', async () => {
      const { mac } = await ports.addPort();
      const { network } = ports.network();
      await network.plugVip(plugOf(mac));
      const stopped = ports.network({
        run: (command) =>
          command.argv.join(' ').includes('203.0.113.21')
            ? Promise.resolve({ exitCode: 2, stdout: '', stderr: 'stopped' })
            : run(command),
      }).network;
      const other = plugOf(mac, { vrrpIp: '203.0.113.21' });
      await faultOf('vip_plug_failed', stopped.plugVip(other));
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
      await faultOf('interface_exists', network.plugVip(plugOf(mac)));
      await network.plugVip(other);
      expect((await ports.stateOf('eth1')).addresses).to.include('203.0.113.21/24');
    });

    it('is finished by a plug with other values, and nothing of the first stays', async () => {
      const { mac } = await ports.addPort();
      const wrong = { ...vip, address: '192.0.2.5', cidr: '192.0.2.0/24', gateway: '192.0.2.1' };
      const isRule = (text: string) => text.includes(' rule add');
      const stopped = ports.network({
        run: (command) =>
          isRule(command.argv.join(' '))
            ? Promise.resolve({ exitCode: 2, stdout: '', stderr: 'stopped' })
            : run(command),
      }).network;
      const first = plugOf(mac, { vips: [wrong], vrrpIp: '192.0.2.20' });
      await faultOf('vip_plug_failed', stopped.plugVip(first));
      await ports.network().network.plugVip(plugOf(mac));
      expect(await ports.stateOf('eth1')).to.deep.equal(single);
    });
  });

  describe('an address', () => {
    it('is found in any spelling, and not where there is no namespace', async () => {
      const { network } = ports.network();
      await faultOf('interface_not_found', network.interfaceOf('203.0.113.5'));
      await network.plugVip(plugOf((await ports.addPort()).mac));
      expect(await network.interfaceOf('203.0.113.5')).to.equal('eth1');
      expect(await network.interfaceOf('::ffff:203.0.113.20')).to.equal('eth1');
      await faultOf('interface_not_found', network.interfaceOf('203.0.113.6'));
      await faultOf('address_invalid', network.interfaceOf('203.0.113'));
      await faultOf('address_invalid', network.interfaceOf('fe80::1%eth1'));
    });
  });
});

/** A process that waits for announcements of these addresses, and prints each with the MAC. */
function hear(place: string, device: string, addresses: readonly string[]): [string, ...string[]] {
  const program = String.raw`
use strict; use Socket;
my ($device, @wanted) = @ARGV;
socket(my $link, 17, SOCK_RAW, unpack 'S', pack 'n', 3) or die;
my $request = pack 'a16 x24', $device;
ioctl($link, 0x8933, $request) or die;
bind($link, pack 'S n i x12', 17, 3, unpack 'x16 i', $request) or die;
my %heard;
until (@wanted == grep { $heard{$_} } @wanted) {
  recv($link, my $frame, 2000, 0);
  my $mac = join ':', unpack '(H2)*', substr $frame, 6, 6;
  my $type = unpack 'x12 n', $frame;
  $heard{inet_ntoa(substr $frame, 28, 4)} = $mac
    if $type == 0x0806 && substr($frame, 28, 4) eq substr $frame, 38, 4;
  $heard{Socket::inet_ntop(AF_INET6, substr $frame, 62, 16)} = $mac
    if $type == 0x86dd && unpack('x20 C', $frame) == 58 && unpack('x54 C', $frame) == 136 && unpack('x21 C', $frame) == 255;
}
print "$_ $heard{$_}\n" for sort @wanted;
`;
  return ['ip', 'netns', 'exec', place, 'perl', '-e', program, device, ...addresses];
}
