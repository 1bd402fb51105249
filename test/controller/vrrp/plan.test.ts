import { expect } from 'chai';

import type { ControllerNode } from '../../../src/controller/nodes/nodes.ts';
import type { VrrpInstance } from '../../../src/controller/vrrp/instances.ts';
import { isUnicastByDefault, planNodes } from '../../../src/controller/vrrp/plan.ts';

function nodeOf(id: number, ...addresses: string[]): ControllerNode {
  const interfaces = [{ name: 'eth0', addresses }];
  return { id, name: `n${id}`, host: `10.0.0.${id}`, port: 9443, interfaces };
}

const instance: VrrpInstance = {
  name: 'vg_1',
  owner: { family: 'gateway', id: 1 },
  family: 'ipv4',
  segment: '10.0.0.0/24',
  routerId: 1,
  addresses: ['10.0.0.100/24'],
  interval: 1,
  preempt: true,
  isUnicast: true,
  syncGroup: null,
  check: null,
  isActive: true,
  peers: [1, 2, 3].map((node) => ({ node, interface: 'eth0', priority: 100 + node })),
};
const nodes = [1, 2, 3].map((id) => nodeOf(id, `10.0.0.${id}/24`));

describe('the plan of nodes', () => {
  it('gives each node the others as unicast peers, and its own address as source', () => {
    const wanted = planNodes([instance], nodes).get(2)?.instances[0];
    expect(wanted).to.include({ source: '10.0.0.2', priority: 102, interface: 'eth0' });
    expect(wanted?.peers).to.deep.equal(['10.0.0.1', '10.0.0.3']);
  });

  it('names no address twice, and never that of the node itself, if two nodes claim one', () => {
    const clones = [nodeOf(1, '10.0.0.1/24'), nodeOf(2, '10.0.0.2/24'), nodeOf(3, '10.0.0.2/24')];
    const planned = planNodes([instance], clones);
    expect([1, 2, 3].map((id) => planned.get(id)?.instances[0]?.peers)).to.deep.equal([
      ['10.0.0.2'],
      ['10.0.0.1'],
      ['10.0.0.1'],
    ]);
  });

  it('uses multicast for an instance of one node, because keepalived takes no peers for that', () => {
    const alone = { ...instance, peers: instance.peers.slice(0, 1) };
    expect(planNodes([alone], nodes).get(1)?.instances[0]).to.include({
      peers: null,
      source: null,
    });
  });

  it('prefers the address in the network of the virtual one as source', () => {
    const both = [nodeOf(1, '192.168.0.1/24', '10.0.0.1/24'), ...nodes.slice(1)];
    expect(planNodes([instance], both).get(1)?.instances[0]?.source).to.equal('10.0.0.1');
    expect(planNodes([instance], both).get(2)?.instances[0]?.peers).to.include('10.0.0.1');
  });

  it('leaves an instance out on a node that lacks an address, and that node out of the peers', () => {
    const planned = planNodes([instance], [nodeOf(1), ...nodes.slice(1)]);
    expect(planned.get(1)?.instances).to.deep.equal([]);
    expect(planned.get(2)?.instances[0]?.peers).to.deep.equal(['10.0.0.3']);
  });

  it('uses addresses of IPv6 for IPv6, and never link-local ones', () => {
    const six = {
      ...instance,
      family: 'ipv6' as const,
      addresses: ['fd00::100/64'],
      peers: instance.peers.slice(0, 2),
    };
    const with6 = [1, 2].map((id) => nodeOf(id, `10.0.0.${id}/24`, 'fe80::1/64', `fd00::${id}/64`));
    const wanted = planNodes([six], with6).get(1)?.instances[0];
    expect(wanted).to.deep.include({ source: 'fd00::1', peers: ['fd00::2'] });
  });

  it('gives an inactive instance to no node', () => {
    const planned = planNodes([{ ...instance, isActive: false }], nodes);
    expect([...planned.values()].every(({ instances }) => instances.length === 0)).to.equal(true);
  });

  it('stays byte by byte the same on nodes without a part in a change', () => {
    const apart = {
      ...instance,
      name: 'vg_2',
      owner: { family: 'gateway', id: 2 },
      routerId: 2,
      peers: instance.peers.slice(0, 2),
    };
    const text = (instances: VrrpInstance[], id: number) =>
      JSON.stringify(planNodes(instances, nodes).get(id));
    expect(text([instance, apart], 3)).to.equal(text([instance], 3));
    expect(text([instance, apart], 1)).not.to.equal(text([instance], 1));
  });

  it('is unicast for up to 8 nodes by default', () => {
    expect([1, 8, 9].map(isUnicastByDefault)).to.deep.equal([true, true, false]);
  });
});
