import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { PortPlug, VipPlug } from '../../../src/amphora/amphora.ts';
import { makeIp } from '../../../src/netlink/ip.ts';
import { faultOf } from '../../support/faults.ts';
import { must, run, tenantPorts } from '../../support/tenant-ports.ts';

const vipPlug = (mac: string): VipPlug => ({
  vips: [
    { address: '203.0.113.5', cidr: '203.0.113.0/24', gateway: '203.0.113.1', hostRoutes: [] },
  ],
  mac,
  vrrpIp: '203.0.113.20',
});
const portPlug = (mac: string, ...addresses: string[]): PortPlug => ({
  mac,
  addresses: addresses.map((address) => ({
    address,
    cidr: address.replace(/\d+$/, '0/24'),
    hostRoutes: [],
  })),
});

describe('the interfaces of an amphora', function () {
  this.timeout(300_000);
  const ports = tenantPorts();

  it('that lead to members get the next free names, and leave the rule of the VIP in place', async () => {
    const { network } = ports.network();
    await network.plugVip(vipPlug((await ports.addPort()).mac));
    const [a, b] = [await ports.addPort(), await ports.addPort()];
    expect(await network.plugPort(portPlug(a.mac, '192.0.2.7'))).to.deep.equal({
      interface: 'eth2',
      isNew: true,
    });
    expect((await network.plugPort(portPlug(b.mac, '198.51.100.7'))).interface).to.equal('eth3');
    expect((await ports.stateOf('eth2')).addresses).to.deep.equal(['192.0.2.7/24']);
    expect((await ports.stateOf('eth1')).rules).to.deep.equal(['203.0.113.5 1']);
  });

  it('that lead to members are updated by a repeated plug: new addresses are added, missing ones removed', async () => {
    const { network } = ports.network();
    const { mac } = await ports.addPort();
    await network.plugPort(portPlug(mac, '192.0.2.7', '192.0.2.8'));
    const plug = portPlug(mac, '192.0.2.8', '198.51.100.7');
    expect(await network.plugPort(plug)).to.deep.equal({ interface: 'eth2', isNew: false });
    const { addresses } = await ports.stateOf('eth2');
    expect(addresses).to.deep.equal(['192.0.2.8/24', '198.51.100.7/24']);
  });

  it('that lead to members are new again after their port was pulled out and plugged in', async () => {
    const { network } = ports.network();
    const { mac } = await ports.addPort();
    const plug = portPlug(mac, '192.0.2.7');
    await network.plugPort(plug);
    await must('ip', '-n', ports.namespace(), 'link', 'delete', 'eth2');
    await ports.addPort(mac);
    expect(await network.plugPort(plug)).to.deep.equal({ interface: 'eth2', isNew: true });
    expect((await ports.stateOf('eth2')).addresses).to.deep.equal(['192.0.2.7/24']);
  });

  it('with a VIP may get addresses of members, and keep the VIP', async () => {
    const { network } = ports.network();
    const { mac } = await ports.addPort();
    await network.plugVip(vipPlug(mac));
    const plugged = await network.plugPort(portPlug(mac, '192.0.2.7'));
    expect(plugged).to.deep.equal({ interface: 'eth1', isNew: false });
    const { addresses, rules } = await ports.stateOf('eth1');
    expect(addresses).to.deep.equal(['192.0.2.7/24', '203.0.113.20/24', '203.0.113.5/32']);
    expect(rules).to.deep.equal(['203.0.113.5 1']);
    await faultOf('interface_exists', network.plugVip(vipPlug(mac)));
  });

  it('are made again without the namespace, under their names, even with names of other kinds', async () => {
    const { network } = ports.network();
    const [vip, member] = [await ports.addPort(), await ports.addPort()];
    await network.plugVip(vipPlug(vip.mac));
    await network.plugPort(portPlug(member.mac, '192.0.2.7'));
    const before = [await ports.stateOf('eth1'), await ports.stateOf('eth2')];
    await must('ip', 'netns', 'delete', ports.namespace());
    await ports.addPort(member.mac);
    const { name } = await ports.addPort(vip.mac);
    const altName = `alt-of-${name}`;
    await must('ip', 'link', 'property', 'add', 'dev', name, 'altname', altName);
    const again = ports.network().network;
    expect(await again.restore()).to.deep.equal({
      restored: ['eth1', 'eth2'],
      missing: [],
      failed: [],
    });
    const after = [await ports.stateOf('eth1'), await ports.stateOf('eth2')];
    expect(after).to.deep.equal(before);
    expect((await again.restore()).restored).to.deep.equal(['eth1', 'eth2']);
    expect([await ports.stateOf('eth1'), await ports.stateOf('eth2')]).to.deep.equal(before);
    await faultOf('interface_exists', again.plugVip(vipPlug(vip.mac)));
  });

  it('whose port is missing, or whose file is damaged, hold up no other one', async () => {
    const { network } = ports.network();
    const [vip, member] = [await ports.addPort(), await ports.addPort()];
    await network.plugVip(vipPlug(vip.mac));
    await network.plugPort(portPlug(member.mac, '192.0.2.7'));
    await writeFile(join(ports.paths().interfaces, 'eth9.json'), '{"name":"eth9","mac_addr');
    await must('ip', 'netns', 'delete', ports.namespace());
    await ports.addPort(member.mac);
    const { network: again, lines } = ports.network();
    expect(await again.restore()).to.deep.equal({
      restored: ['eth2'],
      missing: [{ name: 'eth1', mac: vip.mac }],
      failed: [],
    });
    expect(lines.map(({ file }) => String(file)).join(' ')).to.contain('eth9.json');
  });

  it("are remembered in files of root, and in the list of Octavia's agent, never through a link", async () => {
    const { base, interfaces } = ports.paths();
    await mkdir(base);
    const target = join(base, 'target');
    await writeFile(target, 'untouched');
    await symlink(target, join(base, 'plugged_interfaces'));
    const { network } = ports.network();
    const { mac } = await ports.addPort();
    await network.plugVip(vipPlug(mac));
    expect(await readFile(target, 'utf8')).to.equal('untouched');
    expect(await readFile(join(base, 'plugged_interfaces'), 'utf8')).to.equal(`${mac} eth1\n`);
    expect(await readdir(interfaces)).to.deep.equal(['eth1.json']);
    expect(await network.interfaces()).to.have.length(1);
    await network.dispose();
    expect(await readdir(interfaces)).to.deep.equal([]);
    await faultOf('interface_not_found', network.interfaceOf('203.0.113.5'));
  });

  it("are taken over from the files of Octavia's own agent", async () => {
    const { base, interfaces } = ports.paths();
    const { mac } = await ports.addPort();
    await mkdir(base);
    await mkdir(interfaces);
    await writeFile(join(base, 'plugged_interfaces'), `${mac} eth1\n`);
    // As octavia/amphorae/backends/utils/interface_file.py of 11.0.0 writes it.
    const file = {
      name: 'eth1',
      if_type: 'vip',
      addresses: [
        { address: '203.0.113.20', prefixlen: 24 },
        { address: '203.0.113.5', prefixlen: 32, octavia_owned: true },
      ],
      routes: [
        { dst: '0.0.0.0/0', gateway: '203.0.113.1', flags: ['onlink'], table: 1 },
        { dst: '203.0.113.0/24', scope: 'link' },
        { dst: '203.0.113.0/24', prefsrc: '203.0.113.5', scope: 'link', table: 1 },
      ],
      rules: [{ src: '203.0.113.5', src_len: 32, table: 1 }],
      scripts: { up: [], down: [] },
      is_sriov: false,
      mtu: 1450,
    };
    await writeFile(join(interfaces, 'eth1.json'), JSON.stringify(file));
    expect((await ports.network().network.restore()).restored).to.deep.equal(['eth1']);
    expect(await ports.stateOf('eth1')).to.deep.equal({
      isUp: true,
      mtu: 1450,
      addresses: ['203.0.113.20/24', '203.0.113.5/32'],
      routes: [
        '1: 0.0.0.0/0 203.0.113.1 -',
        '1: 203.0.113.0/24 link 203.0.113.5',
        '254: 203.0.113.0/24 link 203.0.113.20',
      ],
      rules: ['203.0.113.5 1'],
    });
  });

  it("keep their names and the main table in the host's own network", async () => {
    // The whole test runs as if the switch were the host, so that this machine is left alone.
    const place = ports.switchName();
    const inPlace: typeof run = (command) =>
      run({ ...command, argv: ['ip', 'netns', 'exec', place, ...command.argv] });
    const { mac, otherEnd: device } = await ports.addPort();
    const ownMac = (await makeIp(run, place).links()).find(({ name }) => name === device)?.mac;
    expect(ownMac).to.not.equal(mac);
    await must('ip', '-n', place, 'address', 'add', '203.0.113.20/24', 'dev', device);
    const before = await ports.stateOf(device, place);
    const { network } = ports.network({ run: inPlace, namespace: null });
    expect(await network.plugVip(vipPlug(ownMac ?? ''))).to.equal(device);
    const { addresses, routes, rules } = await ports.stateOf(device, place);
    expect(addresses).to.deep.equal(['203.0.113.20/24', '203.0.113.5/32']);
    expect(routes).to.deep.equal([
      '1: 0.0.0.0/0 203.0.113.1 -',
      '1: 203.0.113.0/24 link 203.0.113.5',
      '254: 203.0.113.0/24 link 203.0.113.20',
    ]);
    expect(rules).to.deep.equal(['203.0.113.5 1']);
    expect(await network.interfaceOf('203.0.113.5')).to.equal(device);
    await network.dispose();
    expect(await ports.stateOf(device, place)).to.deep.equal(before);
    await rm(ports.paths().interfaces, { recursive: true });
  });
});
