import { expect } from 'chai';

import { makeStaticNetworks } from '../../src/balancer/network/static.ts';
import { balancerConfig } from '../../src/balancer/config.ts';
import { balancerNodeUse } from '../../src/balancer/nodes/nodes.ts';
import { listInstances } from '../../src/controller/vrrp/rows.ts';
import {
  makeTestBalancer,
  type TestBalancer,
  type TestBalancerOptions,
} from '../support/balancer/domain.ts';
import { aBalancer, anyone, network } from '../support/balancer/wishes.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const subnet4 = '5b000000-0000-4000-8000-000000000004';
const subnet6 = '5b000000-0000-4000-8000-000000000006';
const section = {
  networks: [
    {
      id: network,
      name: 'front',
      subnets: [
        {
          id: subnet4,
          cidr: '10.0.0.0/24',
          gateway: '10.0.0.254',
          pools: [{ from: '10.0.0.1', to: '10.0.0.20' }],
        },
        { id: subnet6, cidr: 'fd00::/64' },
      ],
    },
  ],
};

describe('placing of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  const { networks } = balancerConfig.parse({ balancer: section }).balancer;
  const withNodes = (
    count: number,
    more: Partial<TestBalancerOptions['config']> = {},
    seen?: TestBalancerOptions['seen'],
  ) =>
    makeTestBalancer(folder.path, {
      ...(seen && { seen }),
      networks: makeStaticNetworks(networks),
      config: { ...section, ...more },
      nodes: Array.from({ length: count }, (_each, at) => [
        { name: 'lo', addresses: ['127.0.0.1/8'] },
        { name: 'eth1', addresses: [`10.0.0.${at + 1}/24`, `fd00::${at + 1}/64`] },
      ]),
    });
  afterEach(() => bench.stop());

  async function create(given: Parameters<typeof aBalancer>[0] = {}): Promise<string> {
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer(given));
    expect(await bench.domain.loadBalancers.settled(loadBalancer.id, 200_000)).to.equal(true);
    return loadBalancer.id;
  }
  const nodesOf = async (id: string) => {
    const rows = await bench.store.all(
      'SELECT node FROM balancer_placements WHERE load_balancer = $1 ORDER BY rank',
      [id],
    );
    return rows.map(({ node }) => Number(node));
  };
  const vipOf = async (id: string) =>
    (await bench.domain.loadBalancers.get(anyone, id)).vip.address;

  it('needs no VIP on agents that take no orders for keepalived, because others set the addresses there', async () => {
    bench = await withNodes(2);
    const statusNow = async (id: string) =>
      (await bench.domain.loadBalancers.get(anyone, id)).provisioning;
    bench.onApply(() => 'incapable');
    expect(await statusNow(await create())).to.equal('ACTIVE');
    bench.onApply(() => 'refused');
    expect(await statusNow(await create())).to.equal('ERROR');
  });

  it('takes two nodes with an interface in the network, the least loaded first', async () => {
    bench = await withNodes(4);
    const ids = [await create(), await create(), await create(), await create()];
    const placed = await Promise.all(ids.map(nodesOf));
    expect(placed.every((nodes) => new Set(nodes).size === 2)).to.equal(true);
    const loads = [1, 2, 3, 4].map((node) => placed.flat().filter((each) => each === node).length);
    expect(loads).to.deep.equal([2, 2, 2, 2]);
  });

  it('gives each load balancer an address that no node has, and shows it at once', async () => {
    bench = await withNodes(2);
    expect(await vipOf(await create())).to.equal('10.0.0.3');
    expect(await vipOf(await create({ vip: { subnet: subnet6 } }))).to.equal('fd00::3');
    const { vip } = await bench.domain.loadBalancers.get(
      anyone,
      await create({ vip: { subnet: subnet4, address: '10.0.0.77' } }),
    );
    expect(vip).to.include({ network, subnet: subnet4, address: '10.0.0.77' });
  });

  it('refuses addresses that are taken, outside of the subnet, or of a node', async () => {
    bench = await withNodes(2);
    await create({ vip: { network, address: '10.0.0.77' } });
    const wish = (address: string) =>
      bench.domain.loadBalancers.create(anyone, aBalancer({ vip: { network, address } }));
    await faultOf('balancer_conflict', wish('10.0.0.77'));
    await faultOf('balancer_conflict', wish('10.0.0.1'));
    await faultOf('balancer_invalid', wish('10.0.1.1'));
    await faultOf('balancer_invalid', wish('10.0.0.254'));
    await faultOf('balancer_invalid', wish('10.0.0.255'));
    await faultOf(
      'balancer_invalid',
      bench.domain.loadBalancers.create(anyone, aBalancer({ vip: { subnet: network } })),
    );
  });

  it('refuses an address that another family of the controller has', async () => {
    bench = await withNodes(2);
    await bench.store.write((transaction) =>
      transaction.run(
        `INSERT INTO vrrp_instances (name, owner_family, owner_id, family, segment, router_id, is_active, settings)
         VALUES ('vg_1', 'gateway', 1, 'ipv4', 'lan', 9, 1, $1)`,
        [JSON.stringify({ addresses: ['10.0.0.3/24'] })],
      ),
    );
    expect(await vipOf(await create())).to.equal('10.0.0.4');
    await faultOf(
      'balancer_conflict',
      bench.domain.loadBalancers.create(
        anyone,
        aBalancer({ vip: { network, address: '10.0.0.3' } }),
      ),
    );
  });

  it('uses a port that was made before, and leaves it after the load balancer', async () => {
    bench = await withNodes(2);
    const { ports, loadBalancers } = bench.domain;
    const port = await ports.create(anyone, { project: 'p1', network, address: '10.0.0.9' });
    const id = await create({ vip: { port: port.id } });
    expect((await ports.get(anyone, port.id)).owner).to.equal(id);
    await faultOf('balancer_conflict', ports.remove(anyone, port.id));
    await loadBalancers.remove(anyone, id, false);
    await loadBalancers.settled(id, 200_000);
    expect((await ports.get(anyone, port.id)).owner).to.equal(null);
    await ports.remove(anyone, port.id);
    const gone = await faultOf(
      'balancer_invalid',
      loadBalancers.create(anyone, aBalancer({ vip: { port: port.id } })),
    );
    expect(gone.message).to.equal(`Port ${port.id} not found.`);
  });

  it('puts all VIPs of an ordered pair of nodes into one VRRP instance for each family', async () => {
    bench = await withNodes(2);
    const ids = [];
    for (let each = 0; each < 4; each += 1) ids.push(await create());
    await create({ vip: { subnet: subnet6 } });
    const instances = await listInstances(bench.store);
    const orders = instances.map(
      ({ family, peers, addresses }) =>
        `${family} ${peers.find(({ priority }) => priority === 150)?.node ?? 0} ${addresses.length}`,
    );
    // The VIPs are shared between both nodes.
    expect(orders.sort()).to.deep.equal(['ipv4 1 2', 'ipv4 2 2', 'ipv6 1 1']);
    const tied = instances.filter(({ syncGroup }) => syncGroup !== null);
    expect(tied.map(({ family }) => family)).to.deep.equal(['ipv4', 'ipv6']);
    expect(new Set(tied.map(({ routerId }) => routerId)).size).to.equal(1);
    for (const id of ids) {
      await bench.domain.loadBalancers.remove(anyone, id, false);
      await bench.domain.loadBalancers.settled(id, 200_000);
    }
    expect((await listInstances(bench.store)).map(({ family }) => family)).to.deep.equal(['ipv6']);
    expect(bench.applied.length).to.equal(9);
  });

  it('makes a second instance for a pair of nodes after 200 VIPs', async () => {
    bench = await withNodes(2);
    await bench.domain.quotas.set(anyone, 'p1', { load_balancer: 500 });
    for (let at = 0; at < 402; at += 1)
      await bench.domain.loadBalancers.create(anyone, aBalancer({ vip: { subnet: subnet6 } }));
    const counts = (await listInstances(bench.store)).map(({ addresses }) => addresses.length);
    expect(counts.sort((a, b) => a - b)).to.deep.equal([1, 1, 200, 200]);
  });

  it('waits in ERROR while there is no node, and goes on when one is there', async () => {
    bench = await withNodes(0);
    const id = await create();
    const { lastError } = await bench.domain.loadBalancers.status(anyone, id);
    expect(lastError).to.match(/^No node has an interface in the network /);
    bench.nodes.add('late', [{ name: 'eth1', addresses: ['10.0.0.1/24'] }]);
    await bench.domain.loadBalancers.repair(anyone, id);
    await bench.deployer.untilCalls(1);
    expect(await nodesOf(id)).to.deep.equal([1]);
  });

  it('gives a VIP to the other node by failover, and leaves other VIPs where they are', async () => {
    bench = await withNodes(2);
    const first = await create();
    await create();
    const third = await create();
    expect(await nodesOf(third)).to.deep.equal(await nodesOf(first));
    const [from, to] = await nodesOf(third);
    await bench.domain.loadBalancers.failover(anyone, third);
    await bench.domain.loadBalancers.settled(third, 200_000);
    expect(await nodesOf(third)).to.deep.equal([to, from]);
    expect(await nodesOf(first)).to.deep.equal([from, to]);
    const address = `${await vipOf(third)}/24`;
    const instance = (await listInstances(bench.store)).find(({ addresses }) =>
      addresses.includes(address),
    );
    expect(instance?.peers.find(({ priority }) => priority === 150)?.node).to.equal(to);
  });

  it('gives up no VIP by failover to a node that does not answer', async () => {
    bench = await withNodes(2);
    const id = await create();
    const [first, second] = await nodesOf(id);
    bench.nodes.of(second ?? 0).isReachable = false;
    await faultOf('balancer_conflict', bench.domain.loadBalancers.failover(anyone, id));
    expect(await nodesOf(id)).to.deep.equal([first, second]);
    expect((await bench.domain.loadBalancers.get(anyone, id)).provisioning).to.equal('ACTIVE');
  });

  it('empties a node that is drained, and gives it nothing until it is resumed', async () => {
    bench = await withNodes(3);
    const ids = [await create(), await create(), await create()];
    expect((await bench.domain.nodes.drain(1)).isDraining).to.equal(true);
    const left = async () =>
      (await bench.domain.nodes.list()).find((each) => each.id === 1)?.balancers;
    while ((await left()) !== 0) await pause();
    for (const id of ids) {
      await bench.domain.loadBalancers.settled(id, 200_000);
      expect(await nodesOf(id)).to.have.members([2, 3]);
      expect(bench.deployer.running.get(2)?.has(id)).to.equal(true);
    }
    while (await bench.store.one('SELECT 1 AS open FROM balancer_leavings')) await pause();
    expect(bench.deployer.running.get(1)?.size).to.equal(0);
    const uses = (node: number) =>
      bench.store.write((transaction) => balancerNodeUse.uses(node, transaction));
    expect(await uses(1)).to.deep.equal([]);
    expect(await uses(2)).to.have.length(1);
    expect(await nodesOf(await create())).to.have.members([2, 3]);
    await bench.domain.nodes.resume(1);
    expect(await nodesOf(await create())).to.include(1);
  });

  it('leaves a load balancer on a node that is drained while no other node can have it', async () => {
    bench = await withNodes(2);
    const id = await create();
    await bench.domain.nodes.drain(1);
    while ((await nodesOf(id)).length > 1) await pause();
    await bench.domain.nodes.drain(2);
    await bench.domain.loadBalancers.settled(id, 200_000);
    expect(await nodesOf(id)).to.deep.equal([2]);
    bench.nodes.add('n3', [{ name: 'eth1', addresses: ['10.0.0.3/24'] }]);
    while ((await nodesOf(id))[0] !== 3) await pause();
  });

  it('gives a load balancer no place that is deleted while a node for it is looked for', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const listed: string[][] = [];
    bench = await withNodes(1, {}, (store) => ({
      ...store,
      async all(sql, values) {
        const rows = await store.all(sql, values);
        if (sql.includes('HAVING COUNT(p.node) < 2')) {
          listed.push(rows.map(({ id }) => String(id)));
          await gate;
        }
        return rows;
      },
    }));
    const [going, staying] = [await create(), await create()];
    bench.nodes.add('n2', [{ name: 'eth1', addresses: ['10.0.0.2/24', 'fd00::2/64'] }]);
    bench.domain.onCarrier();
    while (listed.length === 0) await pause();
    expect(listed[0]).to.have.members([going, staying]);
    await bench.domain.loadBalancers.remove(anyone, going, false);
    await bench.domain.loadBalancers.settled(going, 200_000);
    open();
    while ((await nodesOf(staying)).length < 2) await pause();
    // Others are looked at in order, so both were.
    bench.domain.onCarrier();
    while (listed.length < 2) await pause();
    expect(await nodesOf(going)).to.deep.equal([]);
    const addresses = (await listInstances(bench.store)).flatMap((each) => each.addresses);
    expect(addresses).to.deep.equal([`${await vipOf(staying)}/24`]);
  });

  it('gives a load balancer on one node a second one as soon as another node can carry it', async () => {
    bench = await withNodes(1);
    const id = await create();
    expect(await nodesOf(id)).to.deep.equal([1]);
    bench.nodes.add('n2', [{ name: 'eth1', addresses: ['10.0.0.2/24', 'fd00::2/64'] }]);
    bench.domain.onCarrier();
    while (bench.deployer.running.get(2)?.has(id) !== true) await pause();
    expect(await nodesOf(id)).to.deep.equal([1, 2]);
    const [instance] = await listInstances(bench.store);
    expect(instance?.peers.map(({ node }) => node)).to.deep.equal([1, 2]);
  });

  /**
   * Two load balancers on nodes 1 and 2, which have no peer port left. Node 3 has a third one with the port of the first, so
   * only the second can go there.
   */
  async function crowded(): Promise<{ stuck: string; free: string }> {
    bench = await withNodes(3, { peer_ports: { from: 20_000, to: 20_001 } });
    const setDraining = (...nodes: number[]) =>
      bench.store.write(async (transaction) => {
        await transaction.run('DELETE FROM balancer_draining');
        for (const node of nodes)
          await transaction.run('INSERT INTO balancer_draining (node) VALUES ($1)', [node]);
      });
    await setDraining(3);
    const stuck = await create({ id: '00000000-0000-4000-8000-000000000001' });
    const free = await create({ id: '00000000-0000-4000-8000-000000000002' });
    await setDraining(1, 2);
    await create();
    await setDraining();
    return { stuck, free };
  }

  it('empties a node of what finds another place, although something before it finds none', async () => {
    const { stuck, free } = await crowded();
    await bench.domain.nodes.drain(1);
    while ((await nodesOf(free)).includes(1)) await pause();
    expect((await nodesOf(free)).sort()).to.deep.equal([2, 3]);
    expect((await nodesOf(stuck)).sort()).to.deep.equal([1, 2]);
  });

  it('gives a node to what finds a place on it, although something before it finds none', async () => {
    const { stuck, free } = await crowded();
    await bench.store.write(async (transaction) => {
      await transaction.run('DELETE FROM balancer_placements WHERE node = 1');
      await transaction.run('INSERT INTO balancer_draining (node) VALUES (1)');
    });
    bench.domain.onCarrier();
    while ((await nodesOf(free)).length < 2) await pause();
    expect((await nodesOf(free)).sort()).to.deep.equal([2, 3]);
    expect(await nodesOf(stuck)).to.deep.equal([2]);
  });

  it('lists what runs on a node and is not placed there, and removes it when asked', async () => {
    bench = await withNodes(2);
    const id = await create();
    const stray = '0f000000-0000-4000-8000-000000000001';
    bench.deployer.running.get(1)?.set(stray, 'digest');
    const { orphans } = bench.domain;
    expect(await orphans.list()).to.deep.equal([{ node: 1, name: 'n1', id: stray }]);
    await faultOf('balancer_conflict', orphans.remove(1, id));
    await orphans.remove(1, stray);
    expect(await orphans.list()).to.deep.equal([]);
  });

  it('shows the state of each node with the digests of what it is to run and runs', async () => {
    bench = await withNodes(2);
    const id = await create();
    const { nodes, troubles } = await bench.domain.loadBalancers.status(anyone, id);
    expect(nodes).to.have.length(2);
    for (const each of nodes) {
      expect(each.wanted).to.match(/^[0-9a-f]{64}$/);
      expect(each.running).to.equal(each.wanted);
    }
    expect(troubles).to.deep.equal(['No node says that it has the VIP.']);
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
